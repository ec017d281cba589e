package io.tidemark.orchestration;

import io.tidemark.postgres.PgTimes;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.Page;
import io.tidemark.sync.PageCursor;
import io.tidemark.sync.PageRequest;
import io.tidemark.sync.Refusal;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** The table {@code sync_orchestrations}, and the members that its foreign key needs. */
public final class JdbcOrchestrations {
  private static final String COLUMNS = "id, definition, version, created_at, updated_at";

  private static final String INSERT =
      """
      insert into sync_orchestrations (id, definition, version, created_at, updated_at)
      values (:id, cast(:definition as jsonb), 1, :now, :now)
      on conflict (name) do nothing
      returning
      """
          + COLUMNS;

  private static final String REPLACE =
      """
      update sync_orchestrations
      set definition = cast(:definition as jsonb),
          version = version + 1,
          updated_at = :now
      where id = :id
        and version = :version
      returning
      """
          + COLUMNS;

  private static final String PAGE =
      "select "
          + COLUMNS
          + """
             from sync_orchestrations
            where (cast(:name as text) is null or name = :name)
              and (cast(:at as timestamptz) is null
                or (created_at, id) > (cast(:at as timestamptz), cast(:after as uuid)))
            order by created_at, id
            limit :limit
            """;

  private static final String ADD_MEMBER =
      """
      insert into sync_orchestration_members (orchestration_id, configuration_id)
      values (:orchestration, :configuration)
      """;

  private final Jdbi jdbi;
  private final InstantSource clock;
  private final Supplier<UUID> ids;

  public JdbcOrchestrations(Jdbi jdbi, InstantSource clock, Supplier<UUID> ids) {
    this.jdbi = jdbi;
    this.clock = clock;
    this.ids = ids;
  }

  /** Stores a new one at version 1. */
  Outcome<Orchestration> create(OrchestrationDefinition definition) {
    return jdbi.inTransaction(
        handle -> {
          Optional<UUID> missing = missing(handle, definition.configurations());
          if (missing.isPresent()) {
            return Outcome.refused(unknown(missing.get()));
          }
          Optional<Orchestration> created =
              handle
                  .createQuery(INSERT)
                  .bind("id", ids.get())
                  .bind("definition", OrchestrationJson.writeText(definition))
                  .bind("now", PgTimes.bindable(clock.instant()))
                  .map(JdbcOrchestrations::read)
                  .findOne();
          created.ifPresent(one -> addMembers(handle, one));
          return created
              .map(Outcome::of)
              .orElseGet(() -> Outcome.refused(nameTaken(definition.name())));
        });
  }

  static Refusal nameTaken(String name) {
    return Refusal.state(
        "name", "there is an orchestration named '" + name + "' already; choose another name");
  }

  private static Refusal unknown(UUID configuration) {
    return Refusal.invalid("configurations", "there is no configuration " + configuration);
  }

  /** Replaces the definition, if it is still at that version. */
  Outcome<Orchestration> replace(Orchestration current, OrchestrationDefinition definition) {
    return jdbi.inTransaction(
        handle -> {
          Optional<UUID> missing = missing(handle, definition.configurations());
          if (missing.isPresent()) {
            return Outcome.refused(unknown(missing.get()));
          }
          Optional<Orchestration> replaced =
              handle
                  .createQuery(REPLACE)
                  .bind("id", current.id())
                  .bind("version", current.version())
                  .bind("definition", OrchestrationJson.writeText(definition))
                  .bind("now", PgTimes.bindable(clock.instant()))
                  .map(JdbcOrchestrations::read)
                  .findOne();
          replaced.ifPresent(
              one -> {
                handle
                    .createUpdate(
                        "delete from sync_orchestration_members where orchestration_id = :id")
                    .bind("id", one.id())
                    .execute();
                addMembers(handle, one);
              });
          return replaced
              .map(Outcome::of)
              .orElseGet(() -> Outcome.refused(changed(handle, current.id())));
        });
  }

  /**
   * Which of these configurations an orchestration cannot have, because they are gone or going; the
   * others stay until the transaction ends.
   */
  private static Optional<UUID> missing(Handle handle, List<UUID> configurations) {
    Set<UUID> held =
        handle
            .createQuery(
                """
                select id
                from sync_configurations
                where id in (<ids>) and not deleting
                order by id
                for share
                """)
            .bindList("ids", configurations)
            .mapTo(UUID.class)
            .set();
    return configurations.stream().filter(id -> !held.contains(id)).findFirst();
  }

  private static Refusal changed(Handle handle, UUID id) {
    return handle
        .createQuery("select version from sync_orchestrations where id = :id")
        .bind("id", id)
        .mapTo(Long.class)
        .findOne()
        .map(Refusal::version)
        .orElseGet(() -> Refusal.unknown("there is no orchestration " + id));
  }

  private static void addMembers(Handle handle, Orchestration orchestration) {
    var batch = handle.prepareBatch(ADD_MEMBER);
    for (UUID configuration : orchestration.definition().configurations()) {
      batch.bind("orchestration", orchestration.id()).bind("configuration", configuration).add();
    }
    batch.execute();
  }

  Optional<Orchestration> find(UUID id) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery("select " + COLUMNS + " from sync_orchestrations where id = :id")
                .bind("id", id)
                .map(JdbcOrchestrations::read)
                .findOne());
  }

  Optional<Orchestration> findByName(String name) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery("select " + COLUMNS + " from sync_orchestrations where name = :name")
                .bind("name", name)
                .map(JdbcOrchestrations::read)
                .findOne());
  }

  /** Those that run by themselves. */
  List<Orchestration> scheduled() {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(
                    "select "
                        + COLUMNS
                        + " from sync_orchestrations"
                        + " where definition ->> 'sync_interval_seconds' is not null"
                        + " order by created_at, id")
                .map(JdbcOrchestrations::read)
                .list());
  }

  /**
   * A page in order of creation.
   *
   * @param name null for any
   */
  Page<Orchestration> page(@Nullable String name, PageRequest request) {
    PageCursor after = request.after().orElse(null);
    List<Orchestration> rows =
        jdbi.withHandle(
            handle ->
                handle
                    .createQuery(PAGE)
                    .bind("name", name)
                    .bindByType(
                        "at",
                        after == null ? null : PgTimes.bindable(after.at()),
                        OffsetDateTime.class)
                    .bind("after", after == null ? null : after.id())
                    .bind("limit", request.limit() + 1)
                    .map(JdbcOrchestrations::read)
                    .list());
    return Page.of(rows, request.limit(), row -> new PageCursor(row.createdAt(), row.id()));
  }

  /** Deletes it with its executions; those of the configurations stay. */
  boolean delete(UUID id) {
    return jdbi.withHandle(
        handle ->
            handle
                    .createUpdate("delete from sync_orchestrations where id = :id")
                    .bind("id", id)
                    .execute()
                == 1);
  }

  private static Orchestration read(ResultSet row, StatementContext context) throws SQLException {
    return new Orchestration(
        row.getObject("id", UUID.class),
        OrchestrationJson.readText(row.getString("definition")),
        row.getLong("version"),
        PgTimes.read(row, "created_at"),
        PgTimes.read(row, "updated_at"));
  }
}
