// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.WriteSection;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Two spaces map, grow, cut, move and unmap parts of three files at random, by paths, hard links and new names, beside a
 * plain model: the length of each file and what is mapped of it. After each step the lengths are the model's, and what is
 * mapped can be read (G9).
 */
class FileModelTest extends SpaceFixture {
    private static final int FILES = 3;
    private static final int EPISODES = 12;
    private static final int STEPS = 250;
    private static final int PAGES = 24;
    private static final int MOST = 20;

    private AddressSpace other;
    private SplittableRandom random;
    private List<Node> nodes;
    private int names;

    /** A file of the model. */
    private static final class Node {
        private final List<Path> paths = new ArrayList<>();
        private final List<Part> parts = new ArrayList<>();
        private long length;
    }

    /** A region of the model. */
    private static final class Part {
        private final long offset;
        private final boolean written;
        private Region region;
        private long size;
        private long maximum;

        Part(final Region region, final long offset, final long size, final long maximum, final boolean written) {
            this.region = region;
            this.offset = offset;
            this.size = size;
            this.maximum = maximum;
            this.written = written;
        }

        long end() {
            return offset + size;
        }
    }

    @BeforeEach
    void openOther() {
        other = AddressSpace.builder().name("other").capacity(CAPACITY).open();
    }

    @AfterEach
    void closeOther() {
        space.close();
        other.close();
    }

    @Test
    void lengthsMustBeThoseOfThePlainModel() throws IOException {
        final long first = System.nanoTime();
        for (long seed = first; seed < first + EPISODES; seed++) {
            random = new SplittableRandom(seed);
            try {
                episode();
            } catch (final AssertionError | RuntimeException | IOException e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
    }

    private void episode() throws IOException {
        nodes = new ArrayList<>();
        for (int i = 0; i < FILES; i++) {
            final Node node = new Node();
            node.length = 1 + random.nextLong(PAGES * PAGE);
            node.paths.add(sparse("file-" + names++, node.length));
            nodes.add(node);
        }
        for (int i = 0; i < STEPS; i++) {
            final Node node = nodes.get(random.nextInt(FILES));
            step(node);
            check();
        }
        for (final Node node : nodes) {
            node.parts.forEach(part -> part.region.unmap());
            node.parts.clear();
        }
        check();
    }

    private void check() {
        for (final Node node : nodes) {
            assertThat(node.paths.getFirst().toFile().length()).isEqualTo(node.length);
            if (!node.parts.isEmpty()) {
                final Part part = node.parts.get(random.nextInt(node.parts.size()));
                assertThat(part.region.size()).isEqualTo(part.size);
                assertThat(part.region.readableBytes()).isEqualTo(part.size);
            }
        }
    }

    private void step(final Node node) throws IOException {
        final Part part = node.parts.isEmpty() ? null : node.parts.get(random.nextInt(node.parts.size()));
        final int kind = random.nextInt(10);
        if (part == null || kind < 3 && node.parts.size() < MOST) {
            map(node);
        } else {
            switch (kind) {
                case 3 -> grow(node, part);
                case 4, 5 -> truncate(node, part);
                case 6 -> remap(node, part);
                case 7 -> inASection(node, part);
                case 8 -> refused(node, part);
                case 9 -> rename(node);
                default -> {
                    part.region.unmap();
                    node.parts.remove(part);
                }
            }
        }
    }

    private AddressSpace anySpace() {
        return random.nextBoolean() ? space : other;
    }

    private Path anyPath(final Node node) {
        return node.paths.get(random.nextInt(node.paths.size()));
    }

    private void map(final Node node) {
        final long offset = random.nextLong(PAGES * PAGE);
        final long size = 1 + random.nextLong(PAGES * PAGE);
        final Path path = anyPath(node);
        final boolean fits = offset + size <= node.length;
        switch (random.nextInt(3)) {
            case 0 -> {
                final FileBacking backing = FileBacking.readOnly(path).range(offset, size);
                if (fits) {
                    node.parts.add(new Part(anySpace().map(backing), offset, size, 0, false));
                } else {
                    assertThatThrownBy(() -> anySpace().map(backing)).isInstanceOf(UncheckedIOException.class);
                }
            }
            case 1 -> {
                if (fits) {
                    node.parts.add(new Part(anySpace().map(FileBacking.readWrite(path).range(offset, size)), offset, size,
                        0, true));
                }
            }
            default -> {
                final long maximum = size + random.nextLong(PAGES * PAGE);
                node.parts.add(new Part(anySpace().map(FileBacking.readWrite(path).range(offset, size)
                    .growableTo(maximum)), offset, size, maximum, true));
                node.length = Math.max(node.length, offset + size);
            }
        }
    }

    private void grow(final Node node, final Part part) {
        if (part.maximum > part.size) {
            part.size += random.nextLong(part.maximum - part.size + 1);
            part.region.grow(part.size);
            node.length = Math.max(node.length, part.end());
        }
    }

    private void truncate(final Node node, final Part part) {
        final long size = 1 + random.nextLong(part.size);
        final boolean seen = node.parts.stream().anyMatch(each -> each != part && each.end() > part.offset + size);
        if (!part.written || seen) {
            assertThatThrownBy(() -> part.region.truncate(size)).isInstanceOf(RegionException.class);
        } else {
            part.region = part.region.truncate(size);
            part.size = size;
            part.maximum = 0;
            node.length = part.end();
        }
    }

    private void remap(final Node node, final Part part) {
        final long size = 1 + random.nextLong(PAGES * PAGE);
        if (part.written) { // one that is only read is opened by its path, which may be another one by now
            part.region = part.region.remap(size);
            part.maximum = size < part.size || size > part.maximum ? 0 : part.maximum;
            part.size = size;
            node.length = Math.max(node.length, part.end());
        }
    }

    private void inASection(final Node node, final Part part) {
        if (!part.written) {
            return;
        }
        final boolean publish = random.nextBoolean();
        final long size = part.size + random.nextLong(PAGES * PAGE);
        try (WriteSection section = part.region.space().write()) {
            final Region larger = section.resize(part.region, size);
            final Region moved = section.move(larger);
            if (publish) {
                section.publish();
                part.region = moved;
                part.size = size;
                part.maximum = 0;
                node.length = Math.max(node.length, part.end());
            }
        }
    }

    /** A map that fails when it has let the file grow, or before that where it would reach beyond the space. */
    private void refused(final Node node, final Part part) {
        final MapRequest request = MapRequest.file(FileBacking.readWrite(anyPath(node)).range(part.offset,
            1 + random.nextLong(PAGES * PAGE)).growableTo(2 * PAGES * PAGE)).at(part.region.address());
        assertThatThrownBy(() -> part.region.space().map(request))
            .isInstanceOfAny(MappingException.class, IllegalArgumentException.class);
    }

    private void rename(final Node node) throws IOException {
        final Path path = anyPath(node);
        final Path name = path.resolveSibling("file-" + names++);
        if (random.nextBoolean()) {
            node.paths.add(Files.createLink(name, path));
        } else {
            Files.move(path, name);
            node.paths.set(node.paths.indexOf(path), name);
        }
    }
}
