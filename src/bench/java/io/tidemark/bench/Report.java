package io.tidemark.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tidemark.bench.Results.Line;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** The results as a table for a terminal, as JSON, and as a page with plots. */
final class Report {
  private static final int PLOT_WIDTH = 420;
  private static final int BAR_HEIGHT = 22;

  private static final String PAGE =
      """
      <!doctype html>
      <html lang="en">
      <meta charset="utf-8">
      <title>Tidemark, measured</title>
      <style>
        body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; }
        table { border-collapse: collapse; margin-bottom: 2rem; }
        td, th { padding: .1rem .8rem; text-align: right; }
        td:first-child, th:first-child { text-align: left; }
        rect { fill: #9db8d6; } rect.ours { fill: #1f6f8b; } circle { fill: #222; opacity: .7; }
      </style>
      <h1>Tidemark, measured</h1>
      <p>%s</p>
      <p>Bars are medians, dots are rounds. A ratio says how many times better Tidemark is than the
      one beside it.</p>
      %s
      </html>
      """;

  private final Results results;

  Report(Results results) {
    this.results = results;
  }

  String table() {
    StringBuilder text = new StringBuilder();
    String heading = "";
    for (Line line : results.lines()) {
      String now = heading(line);
      if (!now.equals(heading)) {
        text.append("\n").append(now).append("\n");
        heading = now;
      }
      text.append(
          String.format(
              Locale.ROOT,
              "  %-28s %14s   (%s to %s)%s%n",
              line.contender(),
              number(line.median()),
              number(line.least()),
              number(line.most()),
              results.ratio(line).map(Report::ratio).orElse("")));
    }
    return text.toString();
  }

  private static String heading(Line line) {
    return line.contest().job()
        + ": "
        + line.figure().name()
        + ", "
        + line.figure().unit()
        + (line.figure().moreIsBetter() ? "" : " (less is better)");
  }

  private static String ratio(double ratio) {
    return String.format(Locale.ROOT, "   ratio %.2f", ratio);
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, value < 100 ? "%.2f" : "%,.0f", value);
  }

  /** Writes {@code results.json} and {@code index.html}. */
  void write(Path directory) throws IOException {
    Files.createDirectories(directory);
    Files.writeString(
        directory.resolve("results.json"),
        new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(json()));
    Files.writeString(directory.resolve("index.html"), page());
  }

  private ObjectNode json() {
    ObjectNode document = new ObjectMapper().createObjectNode();
    ObjectNode machine = document.putObject("machine");
    results.machine().forEach(machine::put);
    ArrayNode lines = document.putArray("results");
    for (Line line : results.lines()) {
      ObjectNode one = lines.addObject();
      one.put("case", line.contest().name());
      one.put("job", line.contest().job());
      one.put("figure", line.figure().name());
      one.put("unit", line.figure().unit());
      one.put("more_is_better", line.figure().moreIsBetter());
      one.put("contender", line.contender());
      one.put("median", line.median());
      results.ratio(line).ifPresent(ratio -> one.put("ratio", ratio));
      ArrayNode values = one.putArray("values");
      line.values().forEach(values::add);
    }
    return document;
  }

  private String page() {
    StringBuilder body = new StringBuilder();
    List<Line> lines = results.lines();
    for (String heading : lines.stream().map(Report::heading).distinct().toList()) {
      List<Line> together = lines.stream().filter(one -> heading(one).equals(heading)).toList();
      double most = together.stream().mapToDouble(Line::most).max().orElse(1);
      body.append("<h2>").append(escaped(heading)).append("</h2>\n<table>\n");
      for (Line line : together) {
        body.append(
            String.format(
                Locale.ROOT,
                "<tr><td>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>%n",
                escaped(line.contender()),
                plot(line, most, line == together.get(0)),
                number(line.median()),
                results.ratio(line).map(Report::ratio).orElse("")));
      }
      body.append("</table>\n");
    }
    String machine =
        String.join(
            " · ",
            results.machine().entrySet().stream()
                .map(one -> escaped(one.getKey() + ": " + one.getValue()))
                .toList());
    return PAGE.formatted(machine, body);
  }

  private static String plot(Line line, double most, boolean isOurs) {
    StringBuilder svg = new StringBuilder();
    svg.append(
        String.format(
            Locale.ROOT,
            "<svg width=\"%d\" height=\"%d\"><rect%s width=\"%.1f\" height=\"%d\"/>",
            PLOT_WIDTH + 6,
            BAR_HEIGHT,
            isOurs ? " class=\"ours\"" : "",
            line.median() / most * PLOT_WIDTH,
            BAR_HEIGHT));
    for (double value : line.values()) {
      svg.append(
          String.format(
              Locale.ROOT,
              "<circle cx=\"%.1f\" cy=\"%d\" r=\"3\"/>",
              value / most * PLOT_WIDTH,
              BAR_HEIGHT / 2));
    }
    return svg.append("</svg>").toString();
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;");
  }
}
