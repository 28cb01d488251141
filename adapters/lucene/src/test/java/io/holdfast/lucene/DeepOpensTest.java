// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file that cannot be opened for want of stack does not stay mapped. */
class DeepOpensTest {
    @TempDir
    private Path path;

    @Test
    void fileThatCannotBeOpenedMustBeUnmappedWithTheNextOneAtTheLatest() throws Exception {
        final Process digging = ChildJvm.start(DeepOpens.class, path.toString(), "8");
        final String output = new String(digging.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(digging.waitFor()).as(output).isZero();
    }
}
