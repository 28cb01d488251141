// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.FileBacking;
import io.holdfast.Region;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What was forced is there after the process was killed. */
class ForceTest extends SpaceFixture {
    @Test
    void forcedContentsMustSurviveAKilledProcess() throws Exception {
        final Path path = directory.resolve("log");
        final Process child = Children.start(ForcingProgram.class, List.of(), path.toString());
        try {
            assertThat(child.inputReader(StandardCharsets.UTF_8).readLine()).isEqualTo(ForcingProgram.SAID);
        } finally {
            child.destroyForcibly();
        }
        assertThat(child.waitFor()).isNotZero();
        final ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.nativeOrder());
        assertThat(bytes.capacity()).isEqualTo(ForcingProgram.LENGTH);
        for (long i = 0; bytes.remaining() >= Long.BYTES; i += Long.BYTES) {
            assertThat(bytes.getLong()).isEqualTo(~i);
        }
        final Region region = space.map(FileBacking.readOnly(path));
        assertThat(get(region, 800)).isEqualTo(~800L);
    }
}
