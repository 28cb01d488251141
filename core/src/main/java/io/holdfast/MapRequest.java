// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What is to be mapped, where, and how: for {@link AddressSpace#map(MapRequest)}. Immutable; each method gives a new
 * one. Until it is mapped, nothing is looked at, and only what is wrong in itself is refused.
 *
 * {@snippet class="io.holdfast.SnippetsTest" region="request"}
 */
public final class MapRequest {
    private static final long ANYWHERE = -1;

    private final long size;
    private final long maximum;
    private final @Nullable FileBacking backing;
    private final long address;
    private final long alignment;
    private final boolean populated;
    private final Pages pages;
    private final boolean locked;
    private final Advice advice;
    private final @Nullable String name;

    /** The pages that anonymous memory is made of. */
    public enum Pages {
        /** Pages of the size that the processor's page tables have by default. */
        NORMAL,
        /** Huge pages where the kernel has some at the first access, normal ones elsewhere. */
        TRANSPARENT_HUGE,
        /** Huge pages that are set aside for the region. */
        HUGE
    }

    private MapRequest(final Builder from) {
        this.size = from.size;
        this.maximum = from.maximum;
        this.backing = from.backing;
        this.address = from.address;
        this.alignment = from.alignment;
        this.populated = from.populated;
        this.pages = from.pages;
        this.locked = from.locked;
        this.advice = from.advice;
        this.name = from.name;
    }

    /**
     * Anonymous memory, zeroed, readable and writable.
     *
     * @param sizeBytes more than 0
     * @return the request
     * @throws IllegalArgumentException if the size is not positive
     */
    public static MapRequest anonymous(final long sizeBytes) {
        if (sizeBytes <= 0) {
            throw new IllegalArgumentException("map of " + sizeBytes + " bytes: a size must be positive");
        }
        final Builder builder = new Builder();
        builder.size = sizeBytes;
        builder.maximum = sizeBytes;
        return new MapRequest(builder);
    }

    /**
     * A part of a file.
     *
     * @param backing the file, the access to it, and the range of bytes
     * @return the request
     */
    public static MapRequest file(final FileBacking backing) {
        final Builder builder = new Builder();
        builder.backing = Objects.requireNonNull(backing, "backing");
        return new MapRequest(builder);
    }

    /**
     * At this address and nowhere else. Mapping fails, and replaces nothing, if a region is there.
     *
     * @param firstByte address of the region's first byte, relative to the space. It is a multiple of the page size,
     *                  or, for a file range that does not begin at a page, as far past one as the range is
     * @return the changed request; this one stays as it is
     * @throws IllegalArgumentException if the address is negative
     */
    public MapRequest at(final long firstByte) {
        if (firstByte < 0) {
            throw new IllegalArgumentException("address must not be negative: address=" + firstByte);
        }
        final Builder builder = new Builder(this);
        builder.address = firstByte;
        return new MapRequest(builder);
    }

    /**
     * At a multiple of a power of two.
     *
     * @param alignmentBytes a power of two; below the page size it changes nothing
     * @return the changed request; this one stays as it is
     * @throws IllegalArgumentException if it is not a power of two
     */
    public MapRequest alignedTo(final long alignmentBytes) {
        if (alignmentBytes <= 0 || Long.bitCount(alignmentBytes) != 1) {
            throw new IllegalArgumentException("alignment must be a power of two: alignment=" + alignmentBytes);
        }
        final Builder builder = new Builder(this);
        builder.alignment = alignmentBytes;
        return new MapRequest(builder);
    }

    /**
     * Lets an anonymous region grow in place to a number of bytes, for which addresses are reserved. For a file, its
     * backing sets this.
     *
     * @param maximumBytes largest size of the region in bytes
     * @return the changed request; this one stays as it is
     * @throws IllegalArgumentException if the maximum is less than the size
     * @throws IllegalStateException    if the request is for a file
     */
    public MapRequest growableTo(final long maximumBytes) {
        requireAnonymous("growableTo", "use FileBacking.growableTo(maximum)");
        if (maximumBytes < size) {
            throw new IllegalArgumentException("maximum must not be less than the size: maximum=" + maximumBytes +
                ", size=" + size);
        }
        final Builder builder = new Builder(this);
        builder.maximum = maximumBytes;
        return new MapRequest(builder);
    }

    /**
     * With all pages present before the region becomes visible, so that no first access has to wait. Mapping fails
     * where there is not enough memory. The pages of a file are made present for reading, so that none of them has to be
     * written back; a first write still enters the kernel where the file system has to be told of it, or where the
     * region gets a copy of its own.
     *
     * @return the changed request; this one stays as it is
     */
    public MapRequest populated() {
        final Builder builder = new Builder(this);
        builder.populated = true;
        return new MapRequest(builder);
    }

    /**
     * With huge pages where the kernel has some at the moment of the first access, and normal ones elsewhere. The
     * region is aligned so that they fit.
     *
     * @return the changed request; this one stays as it is
     * @throws IllegalStateException if the request is for a file
     */
    public MapRequest transparentHugePages() {
        requireAnonymous("transparentHugePages", "the file system decides on the pages of a file");
        final Builder builder = new Builder(this);
        builder.pages = Pages.TRANSPARENT_HUGE;
        return new MapRequest(builder);
    }

    /**
     * With huge pages of the kernel's default size, set aside for this region. Mapping fails where not enough of them
     * are configured ({@code vm.nr_hugepages}) and free. Addresses are taken in whole huge pages.
     *
     * @return the changed request; this one stays as it is
     * @throws IllegalStateException if the request is for a file
     */
    public MapRequest hugePages() {
        requireAnonymous("hugePages", "the file system decides on the pages of a file");
        final Builder builder = new Builder(this);
        builder.pages = Pages.HUGE;
        return new MapRequest(builder);
    }

    /**
     * With all pages kept in memory until the region is unmapped. Mapping fails where the limit of locked memory
     * ({@code ulimit -l}) does not allow it. What the region grows by later is not locked.
     *
     * @return the changed request; this one stays as it is
     */
    public MapRequest locked() {
        final Builder builder = new Builder(this);
        builder.locked = true;
        return new MapRequest(builder);
    }

    /**
     * With advice on how all of it is going to be used, given before the region becomes visible.
     *
     * @param how as for {@link Region#advise(Advice)}
     * @return the changed request; this one stays as it is
     */
    public MapRequest advised(final Advice how) {
        final Builder builder = new Builder(this);
        builder.advice = Objects.requireNonNull(how, "how");
        return new MapRequest(builder);
    }

    /**
     * With a name, for {@link AddressSpace#maps()} and messages.
     *
     * @param text the name
     * @return the changed request; this one stays as it is
     */
    public MapRequest named(final String text) {
        final Builder builder = new Builder(this);
        builder.name = Objects.requireNonNull(text, "text");
        return new MapRequest(builder);
    }

    private void requireAnonymous(final String what, final String remedy) {
        if (backing != null) {
            throw new IllegalStateException(what + " is for anonymous memory: backing=" + backing + "; " + remedy);
        }
    }

    /** {@return the size of anonymous memory in bytes; 0 for a file, whose backing gives it} */
    public long size() {
        return size;
    }

    /** {@return the largest size in bytes that anonymous memory may grow to; 0 for a file, whose backing gives it} */
    public long maximum() {
        return maximum;
    }

    /** {@return what of which file is mapped, or null for anonymous memory} */
    public @Nullable FileBacking backing() {
        return backing;
    }

    /** {@return whether the region is to be at {@link #address()} and nowhere else} */
    public boolean isFixed() {
        return address != ANYWHERE;
    }

    /** {@return the address of the first byte, relative to the space; negative if any will do} */
    public long address() {
        return address;
    }

    /** {@return the power of two that the address is to be a multiple of} */
    public long alignment() {
        return alignment;
    }

    /** {@return whether all pages are made present} */
    public boolean isPopulated() {
        return populated;
    }

    /** {@return what pages anonymous memory is made of} */
    public Pages pages() {
        return pages;
    }

    /** {@return whether all pages are kept in memory} */
    public boolean isLocked() {
        return locked;
    }

    /** {@return how all of it is going to be used} */
    public Advice advice() {
        return advice;
    }

    /** {@return the name, or null} */
    public @Nullable String name() {
        return name;
    }

    @Override
    public String toString() {
        final FileBacking file = backing;
        final StringBuilder text = new StringBuilder(file == null ? "anonymous, size=" + size : file.toString());
        if (file == null && maximum != size) {
            text.append(", growable to ").append(maximum);
        }
        if (isFixed()) {
            text.append(", at 0x").append(Long.toHexString(address));
        }
        if (alignment > 1) {
            text.append(", aligned to ").append(alignment);
        }
        if (pages != Pages.NORMAL) {
            text.append(", pages=").append(pages);
        }
        return text.append(populated ? ", populated" : "").append(locked ? ", locked" : "")
            .append(advice == Advice.NORMAL ? "" : ", advice=" + advice)
            .append(name == null ? "" : ", name=" + name).toString();
    }

    /** The fields while a request is put together. */
    private static final class Builder {
        private long size;
        private long maximum;
        private @Nullable FileBacking backing;
        private long address = ANYWHERE;
        private long alignment = 1;
        private boolean populated;
        private Pages pages = Pages.NORMAL;
        private boolean locked;
        private Advice advice = Advice.NORMAL;
        private @Nullable String name;

        Builder() {
        }

        Builder(final MapRequest from) {
            this.size = from.size;
            this.maximum = from.maximum;
            this.backing = from.backing;
            this.address = from.address;
            this.alignment = from.alignment;
            this.populated = from.populated;
            this.pages = from.pages;
            this.locked = from.locked;
            this.advice = from.advice;
            this.name = from.name;
        }
    }
}
