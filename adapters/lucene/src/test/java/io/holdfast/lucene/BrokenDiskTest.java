// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.IndexOutput;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Disks that are full, and files that somebody cuts. */
class BrokenDiskTest {
    private static final int DOCUMENTS = 100;

    @TempDir
    private Path path;

    private static boolean run(final String... command) throws IOException, InterruptedException {
        try {
            return new ProcessBuilder(command).redirectErrorStream(true).start().waitFor() == 0;
        } catch (final IOException noSuchProgram) {
            return false;
        }
    }

    private static int commit(final Directory directory, final int from, final int to) throws IOException {
        try (IndexWriter writer = new IndexWriter(directory, Indexer.config())) {
            for (int i = from; i < to; i++) {
                Indexer.add(writer, i);
            }
            writer.commit();
        }
        return to;
    }

    @Test
    void fullDiskMustLeaveTheLastCommitAndLetDeletesThrough() throws Exception {
        final Path disk = Files.createDirectory(path.resolve("disk"));
        assumeTrue(run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk.toString()),
            "a small file system cannot be mounted here");
        try {
            fillAndGoOn(disk);
        } finally {
            assertThat(run("umount", disk.toString())).as("nothing keeps the disk busy").isTrue();
        }
    }

    private static void fillAndGoOn(final Path disk) throws IOException {
        try (HoldfastDirectory directory = HoldfastDirectory.builder().unmapInBackground(false).open(disk)) {
            commit(directory, 0, DOCUMENTS);
            try (DirectoryReader reader = DirectoryReader.open(directory)) {
                final Path filler = disk.resolve("filler");
                assertThatThrownBy(() -> Files.write(filler, new byte[8 << 20])).isInstanceOf(IOException.class);
                assertThatThrownBy(() -> commit(directory, DOCUMENTS, 2 * DOCUMENTS)).isInstanceOf(IOException.class);
                assertThat(reader.numDocs()).isEqualTo(DOCUMENTS);
                assertThat(Indexer.checkedCount(directory)).isEqualTo(DOCUMENTS);
                Files.delete(filler);
            }
            commit(directory, DOCUMENTS, 2 * DOCUMENTS);
            assertThat(Indexer.checkedCount(directory)).isEqualTo(2 * DOCUMENTS);
        }
    }

    @Test
    void indexWithACutFileMustBeRefused() throws IOException {
        try (Directory directory = new HoldfastDirectory(path)) {
            commit(directory, 0, DOCUMENTS);
            int refused = 0;
            for (final String name : directory.listAll()) {
                if (name.startsWith("_") && Files.size(path.resolve(name)) > 1) {
                    final byte[] whole = Files.readAllBytes(path.resolve(name));
                    cut(path.resolve(name), whole.length / 2);
                    assertThatThrownBy(() -> DirectoryReader.open(directory).close()).as(name)
                        .isInstanceOf(IOException.class);
                    Files.write(path.resolve(name), whole);
                    refused++;
                }
            }
            assertThat(refused).isPositive();
            assertThat(Indexer.checkedCount(directory)).isEqualTo(DOCUMENTS);
        }
    }

    private static void cut(final Path file, final long size) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(size);
        }
    }

    /** The virtual machine makes an error of an access to a page that is gone; it must not end, and the input closes. */
    @Test
    void fileThatIsCutWhileItIsOpenMustNotEndTheProcess() throws IOException {
        try (HoldfastDirectory directory = HoldfastDirectory.builder().unmapInBackground(false).open(path)) {
            try (IndexOutput output = directory.createOutput("data", IOContext.DEFAULT)) {
                for (int i = 0; i < 100_000; i++) {
                    output.writeByte((byte) 1);
                }
            }
            try (IndexInput input = directory.openInput("data", IOContext.DEFAULT)) {
                assertThat(sum(input)).isEqualTo(100_000);
                cut(path.resolve("data"), 50_000);
                assertThatThrownBy(() -> sum(input)).isInstanceOf(InternalError.class);
                input.seek(0);
                assertThat(input.readByte()).isEqualTo((byte) 1);
            }
        }
    }

    private static long sum(final IndexInput input) throws IOException {
        long sum = 0;
        input.seek(0);
        for (long i = 0; i < input.length(); i++) {
            sum += input.readByte();
        }
        return sum;
    }
}
