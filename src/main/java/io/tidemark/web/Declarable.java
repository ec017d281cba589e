package io.tidemark.web;

import io.tidemark.declared.Kind;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Changes what a sync file may own: such a thing is changed in the file only. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
@interface Declarable {
  /** What it changes; the path's only parameter says which. */
  Kind value();
}
