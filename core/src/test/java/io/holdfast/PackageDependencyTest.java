// SPDX-License-Identifier: Apache-2.0

package io.holdfast;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition;
import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.constant.ClassDesc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Keeps the package arrows: who may use whom, who may call the operating system, and that each package says what it is.
 *
 * <p>Each rule runs over the compiled module, where it must hold, and over generated classes that break it, where
 * it must fail. Constants that the compiler copies leave no trace in class files, so the imports of the sources are
 * read as well.
 */
class PackageDependencyTest {
    private static final String ROOT = "io.holdfast";
    private static final String LAYOUT = "io.holdfast.layout";
    private static final String MEMORY = "io.holdfast.memory";
    private static final String EPOCH = "io.holdfast.epoch";
    private static final String LOCK = "io.holdfast.lock";
    private static final String TREE = "io.holdfast.tree";
    private static final String EVENT = "io.holdfast.event";
    private static final String SPACE = "io.holdfast.space";
    private static final String AGRONA = "org.agrona";
    private static final String AGRONA_CONCURRENT = "org.agrona.concurrent";
    private static final String NULL_MARKED = "org.jspecify.annotations.NullMarked";

    /** What a package may use besides itself, the JDK and the nullness annotations. */
    private static final Map<String, Set<String>> ARROWS = Map.of(
        LAYOUT, Set.of(),
        MEMORY, Set.of(LAYOUT),
        EVENT, Set.of("jdk.jfr"),
        EPOCH, Set.of(LAYOUT, MEMORY, AGRONA, AGRONA_CONCURRENT),
        LOCK, Set.of(LAYOUT, MEMORY, EPOCH, AGRONA_CONCURRENT),
        TREE, Set.of(LAYOUT, MEMORY, EPOCH, AGRONA_CONCURRENT),
        SPACE, Set.of(ROOT, LAYOUT, MEMORY, EPOCH, LOCK, TREE, EVENT, AGRONA, AGRONA_CONCURRENT, "javax.management",
            "jdk.jfr"),
        ROOT, Set.of(AGRONA, AGRONA_CONCURRENT));

    /** The one class of the machinery that a contract uses, besides naming what implements it. */
    private static final String DOOR = SPACE + ".SpaceBuilder";

    private static final ArchRule ARROWS_RULE = ArchRuleDefinition.classes().should(followTheArrows());
    private static final ArchRule LINKER_RULE = ArchRuleDefinition.classes().should(leaveTheLinkerToMemory());
    private static final ArchRule PACKAGE_INFO_RULE = ArchRuleDefinition.classes().should(liveInADescribedPackage());

    private static final Path BASE = Path.of(System.getProperty("basedir", "."));
    private static final Pattern IMPORT = Pattern.compile("^import (?:static )?((?:[a-z]\\w*\\.)+)[A-Z*]");

    @TempDir
    private Path directory;

    @Test
    void packagesMustFollowTheArrows() {
        ARROWS_RULE.check(module());
    }

    @Test
    void sourcesMustImportAlongTheArrows() throws IOException {
        assertThat(forbiddenImports(BASE.resolve("src/main/java"))).isEmpty();
    }

    @Test
    void onlyMemoryMayUseTheLinker() {
        LINKER_RULE.check(module());
    }

    @Test
    void eachPackageMustHaveANullMarkedPackageInfo() {
        PACKAGE_INFO_RULE.check(module());
    }

    @Test
    void anArrowThatIsNotInTheDesignMustBeFound() throws IOException {
        final List<String> packages = List.of(LAYOUT, MEMORY, EPOCH, LOCK, TREE, EVENT, SPACE, ROOT);
        final Set<String> found = new TreeSet<>();
        for (final String from : packages) {
            for (final String to : packages) {
                if (ARROWS_RULE.evaluate(userOf(from, to + ".Used")).hasViolation()) {
                    found.add(from + " -> " + to);
                }
            }
        }

        final Set<String> expected = new TreeSet<>();
        Stream.of(MEMORY, EPOCH, LOCK, TREE, EVENT, SPACE, ROOT).forEach(to -> expected.add(LAYOUT + " -> " + to));
        Stream.of(EPOCH, LOCK, TREE, EVENT, SPACE, ROOT).forEach(to -> expected.add(MEMORY + " -> " + to));
        Stream.of(LOCK, TREE, EVENT, SPACE, ROOT).forEach(to -> expected.add(EPOCH + " -> " + to));
        Stream.of(TREE, EVENT, SPACE, ROOT).forEach(to -> expected.add(LOCK + " -> " + to));
        Stream.of(LOCK, EVENT, SPACE, ROOT).forEach(to -> expected.add(TREE + " -> " + to));
        Stream.of(LAYOUT, MEMORY, EPOCH, LOCK, TREE, SPACE, ROOT).forEach(to -> expected.add(EVENT + " -> " + to));
        Stream.of(LAYOUT, MEMORY, EPOCH, LOCK, TREE, EVENT, SPACE).forEach(to -> expected.add(ROOT + " -> " + to));
        assertThat(found).isEqualTo(expected);
    }

    @Test
    void anotherPackageOrLibraryMustBeFound() throws IOException {
        assertThat(ARROWS_RULE.evaluate(userOf(ROOT + ".other", "java.lang.String")).hasViolation()).isTrue();
        assertThat(ARROWS_RULE.evaluate(userOf(MEMORY, AGRONA_CONCURRENT + ".IdleStrategy")).hasViolation()).isTrue();
        assertThat(ARROWS_RULE.evaluate(userOf(LOCK, AGRONA_CONCURRENT + ".IdleStrategy")).hasViolation()).isFalse();
        assertThat(ARROWS_RULE.evaluate(userOf(ROOT, "sun.misc.Unsafe")).hasViolation()).isTrue();
    }

    @Test
    void onlyTheDoorMayLeadFromTheContractsToTheMachinery() throws IOException {
        assertThat(ARROWS_RULE.evaluate(userOf(ROOT, "AddressSpace", DOOR)).hasViolation()).isFalse();
        assertThat(ARROWS_RULE.evaluate(userOf(ROOT, "Region", DOOR)).hasViolation()).isTrue();
        assertThat(ARROWS_RULE.evaluate(userOf(ROOT, "AddressSpace", SPACE + ".Mapper")).hasViolation()).isTrue();
    }

    @Test
    void theExportedPackageMustHaveNoClassThatIsNotExported() {
        assertThat(module().stream().filter(type -> type.getPackageName().equals(ROOT) && type.isTopLevelClass() &&
            !type.getSimpleName().equals("package-info")))
            .isNotEmpty().allMatch(type -> type.getModifiers().contains(JavaModifier.PUBLIC));
    }

    @Test
    void aLinkerOutsideMemoryMustBeFound() throws IOException {
        for (final String from : List.of(LAYOUT, EPOCH, LOCK, TREE, SPACE, ROOT)) {
            assertThat(LINKER_RULE.evaluate(userOf(from, "java.lang.foreign.Linker")).hasViolation()).as(from).isTrue();
        }
        assertThat(LINKER_RULE.evaluate(userOf(MEMORY, "java.lang.foreign.Linker")).hasViolation()).isFalse();
    }

    @Test
    void aPackageWithoutDescriptionMustBeFound() throws IOException {
        assertThat(PACKAGE_INFO_RULE.evaluate(userOf(TREE, "java.lang.String")).hasViolation()).isTrue();
    }

    @Test
    void anImportAgainstTheArrowsMustBeFound() throws IOException {
        final Path source = Files.createDirectories(directory.resolve("io/holdfast/layout")).resolve("User.java");
        Files.writeString(source, "import java.util.List;\nimport static io.holdfast.memory.Errno.ENOMEM;\n");

        assertThat(forbiddenImports(directory)).containsExactly(LAYOUT + " -> " + MEMORY);
    }

    private static JavaClasses module() {
        return new ClassFileImporter().importPath(BASE.resolve("target/classes"));
    }

    private JavaClasses userOf(final String from, final String used) throws IOException {
        return userOf(from, "User", used);
    }

    /** Imports one generated class of the package {@code from}, which has a field of the type {@code used}. */
    private JavaClasses userOf(final String from, final String name, final String used) throws IOException {
        final byte[] classFile = ClassFile.of().build(ClassDesc.of(from + "." + name),
            builder -> builder.withField("used", ClassDesc.of(used), ClassFile.ACC_PRIVATE));
        final Path file = Files.createTempDirectory(directory, "user").resolve(name + ".class");
        Files.write(file, classFile);
        return new ClassFileImporter().importPath(file);
    }

    private static boolean isAllowed(final String from, final String to) {
        return to.equals(from) ||
            to.startsWith("java.") ||
            to.equals("org.jspecify.annotations") ||
            ARROWS.getOrDefault(from, Set.of()).contains(to);
    }

    private static boolean isDoor(final String from, final String to) {
        return from.equals(ROOT + ".AddressSpace") && to.equals(DOOR);
    }

    /** Whether a contract imports the class that implements it, or the door. */
    private static boolean isImplementation(final String source, final String from, final String line) {
        final String name = line.substring(line.lastIndexOf('.') + 1, line.length() - 1);
        return from.equals(ROOT) && (line.contains(DOOR + ";") ? source.contains("interface AddressSpace ")
            : source.matches("(?s).*\\bpermits " + name + "\\b.*"));
    }

    private static List<String> forbiddenImports(final Path sources) throws IOException {
        final List<String> found = new ArrayList<>();
        try (Stream<Path> files = Files.walk(sources)) {
            for (final Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
                final String from = sources.relativize(file.getParent()).toString().replace('/', '.');
                final String source = Files.readString(file);
                for (final String line : source.lines().toList()) {
                    final Matcher matcher = IMPORT.matcher(line);
                    if (matcher.find()) {
                        final String to = matcher.group(1).substring(0, matcher.group(1).length() - 1);
                        if (!isAllowed(from, to) && !isImplementation(source, from, line)) {
                            found.add(from + " -> " + to);
                        }
                    }
                }
            }
        }
        return found;
    }

    private static ArchCondition<JavaClass> followTheArrows() {
        return new ArchCondition<>("follow the arrows") {
            @Override
            public void check(final JavaClass item, final ConditionEvents events) {
                final String from = item.getPackageName();
                if (!item.getName().equals("module-info") && !ARROWS.containsKey(from)) {
                    events.add(SimpleConditionEvent.violated(item, "package has no arrows: " + from));
                }
                for (final Dependency dependency : item.getDirectDependenciesFromSelf()) {
                    final JavaClass target = dependency.getTargetClass().getBaseComponentType();
                    if (!target.isPrimitive() && !isAllowed(from, target.getPackageName()) &&
                        !isDoor(item.getName(), target.getName())) {
                        events.add(SimpleConditionEvent.violated(item, dependency.getDescription()));
                    }
                }
            }
        };
    }

    private static ArchCondition<JavaClass> leaveTheLinkerToMemory() {
        return new ArchCondition<>("leave the linker to " + MEMORY) {
            @Override
            public void check(final JavaClass item, final ConditionEvents events) {
                for (final Dependency dependency : item.getDirectDependenciesFromSelf()) {
                    final String target = dependency.getTargetClass().getBaseComponentType().getName();
                    if (target.matches("java\\.lang\\.foreign\\.(Linker|SymbolLookup)(\\$.*)?") &&
                        !item.getPackageName().equals(MEMORY)) {
                        events.add(SimpleConditionEvent.violated(item, dependency.getDescription()));
                    }
                }
            }
        };
    }

    private static ArchCondition<JavaClass> liveInADescribedPackage() {
        return new ArchCondition<>("live in a package with a null-marked package-info") {
            @Override
            public void check(final JavaClass item, final ConditionEvents events) {
                if (!item.getName().equals("module-info") &&
                    !item.getPackage().isAnnotatedWith(NULL_MARKED)) {
                    events.add(SimpleConditionEvent.violated(item, "package has no @NullMarked: " + item.getName()));
                }
            }
        };
    }
}
