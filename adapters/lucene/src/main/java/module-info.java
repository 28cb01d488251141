// SPDX-License-Identifier: Apache-2.0

/** A Lucene directory whose files are regions. */
// Agrona names its module in the manifest only.
@SuppressWarnings("requires-transitive-automatic")
module io.holdfast.lucene {
    requires transitive io.holdfast;
    requires transitive org.apache.lucene.core;
    requires static transitive org.jspecify;

    exports io.holdfast.lucene;
}
