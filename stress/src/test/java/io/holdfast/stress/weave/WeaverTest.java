// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.weave;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Weaving: each deed does what it says, and a place that is not there as often as it must be is an error. */
public class WeaverTest {
    private static final String SUBJECT = Subject.class.getName();

    @TempDir
    private Path directory;

    /** What is woven. */
    public static class Subject {
        private String trace = "";

        /** Calls twice. */
        public String act(final int number, final long other) {
            add("a");
            add("b");
            return trace + number + other;
        }

        private void add(final String text) {
            trace += text;
        }
    }

    /** Targets. */
    public static void instead(final Object subject, final String text) {
        noted.append('i').append(text);
    }

    /** Target of a number. */
    public static void number(final int number) {
        noted.append(number);
    }

    /** Target of a beginning. */
    public static void begin(final Object subject, final int number, final long other) {
        noted.append('b').append(number).append(other);
    }

    private static StringBuilder noted = new StringBuilder();

    private String run(final Weave... weaves) throws Exception {
        noted = new StringBuilder();
        Weaver.weave(List.of(weaves), directory);
        final URL[] urls = {directory.toUri().toURL()};
        try (URLClassLoader loader = new ChildFirst(urls)) {
            final Class<?> woven = loader.loadClass(SUBJECT);
            assertThat(woven.getClassLoader()).isSameAs(loader);
            final Method act = woven.getMethod("act", int.class, long.class);
            return act.invoke(woven.getConstructor().newInstance(), 1, 2L) + " " + noted;
        }
    }

    private static final class ChildFirst extends URLClassLoader {
        ChildFirst(final URL[] urls) {
            super(urls, WeaverTest.class.getClassLoader());
        }

        @Override
        protected Class<?> loadClass(final String name, final boolean resolve) throws ClassNotFoundException {
            return name.equals(SUBJECT) ? findClass(name) : super.loadClass(name, resolve);
        }
    }

    private static Weave.Place place(final int places) {
        return Weave.Place.of(SUBJECT, "act", "Subject.add", places);
    }

    @Test
    void callsMustBePrecededAndFollowed() throws Exception {
        assertThat(run(place(2).before(WeaverTest.class, "number", 7))).isEqualTo("ab12 77");
        assertThat(run(place(2).only(2).after(WeaverTest.class, "number", 8))).isEqualTo("ab12 8");
    }

    @Test
    void callsMustBeReplaced() throws Exception {
        assertThat(run(place(2).only(1).instead(WeaverTest.class, "instead"))).isEqualTo("b12 ia");
        assertThat(run(place(2).instead(WeaverTest.class, "instead"))).isEqualTo("12 iaib");
    }

    @Test
    void beginningsMustGetTheArguments() throws Exception {
        assertThat(run(Weave.entry(SUBJECT, "act", WeaverTest.class, "begin"))).isEqualTo("ab12 b12");
    }

    @Test
    void aPlaceThatHasMovedMustBeNoticed() {
        assertThatThrownBy(() -> run(place(3).before(WeaverTest.class, "number", 7)))
            .isInstanceOf(IllegalStateException.class).hasMessageContaining("found=2, expected=3");
        assertThatThrownBy(() -> run(Weave.Place.of(SUBJECT, "act", "Subject.gone", 1)
            .before(WeaverTest.class, "number", 7))).hasMessageContaining("found=0, expected=1");
    }

    @Test
    void aTargetThatIsNotThereMustBeNoticed() {
        assertThatThrownBy(() -> place(2).before(WeaverTest.class, "nothing", 7))
            .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("no such target");
    }
}
