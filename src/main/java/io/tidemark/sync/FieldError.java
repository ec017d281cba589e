package io.tidemark.sync;

/**
 * What is wrong with one field of a request.
 *
 * @param field its name as the user writes it; empty for the request as a whole
 * @param message a sentence fit for the user
 */
public record FieldError(String field, String message) {}
