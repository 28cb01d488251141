// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

/** The error numbers of Linux, the same on x86-64 and AArch64, with their names. */
public final class Errno {
    /** Operation not permitted. */
    public static final int EPERM = 1;
    /** No such file or directory. */
    public static final int ENOENT = 2;
    /** Interrupted by a signal. */
    public static final int EINTR = 4;
    /** Input or output error. */
    public static final int EIO = 5;
    /** Bad file descriptor. */
    public static final int EBADF = 9;
    /** Try again, or the limit of locked memory is reached. */
    public static final int EAGAIN = 11;
    /** Out of memory, of address space or of mappings. */
    public static final int ENOMEM = 12;
    /** Permission denied. */
    public static final int EACCES = 13;
    /** Bad address. */
    public static final int EFAULT = 14;
    /** Device or resource busy. */
    public static final int EBUSY = 16;
    /** Something is there already. */
    public static final int EEXIST = 17;
    /** The file or device cannot do this. */
    public static final int ENODEV = 19;
    /** A component of the path is not a directory. */
    public static final int ENOTDIR = 20;
    /** Is a directory. */
    public static final int EISDIR = 21;
    /** Invalid argument. */
    public static final int EINVAL = 22;
    /** Too many open files in the system. */
    public static final int ENFILE = 23;
    /** Too many open files in the process. */
    public static final int EMFILE = 24;
    /** The file is a running program. */
    public static final int ETXTBSY = 26;
    /** File too large. */
    public static final int EFBIG = 27;
    /** No space left on the device. */
    public static final int ENOSPC = 28;
    /** Read-only file system. */
    public static final int EROFS = 30;
    /** File name too long. */
    public static final int ENAMETOOLONG = 36;
    /** The kernel does not have this call. */
    public static final int ENOSYS = 38;
    /** Too many symbolic links. */
    public static final int ELOOP = 40;
    /** Value too large. */
    public static final int EOVERFLOW = 75;
    /** The file system does not support this. */
    public static final int EOPNOTSUPP = 95;
    /** Disk quota exceeded. */
    public static final int EDQUOT = 122;

    /** The largest error number that the kernel returns. */
    private static final int LARGEST = 4095;

    private static final String[] NAMES = new String[134];

    static {
        final String[] first = ("EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES " +
            "EFAULT ENOTBLK EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG " +
            "ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP")
            .split(" ", -1);
        System.arraycopy(first, 0, NAMES, 1, first.length);
        NAMES[EOVERFLOW] = "EOVERFLOW";
        NAMES[EOPNOTSUPP] = "EOPNOTSUPP";
        NAMES[116] = "ESTALE";
        NAMES[EDQUOT] = "EDQUOT";
        NAMES[133] = "EHWPOISON";
    }

    /** {@return the name of an error number, or {@code "errno"} with the number where it has none here} */
    public static String name(final int errno) {
        final String name = errno > 0 && errno < NAMES.length ? NAMES[errno] : null;
        return name == null ? "errno" + errno : name;
    }

    /** Whether a raw result of {@link NativeMemory} is a negated error number. */
    public static boolean isError(final long result) {
        return result < 0 && result >= -LARGEST;
    }

    private Errno() {
    }
}
