package io.tidemark.web;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Marks what needs {@link ApiRole#ADMIN}. Without it, reading needs a viewer and all else an
 * operator.
 */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@interface AdminOnly {}
