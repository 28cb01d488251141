// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.weave;

import java.lang.reflect.Method;

/**
 * One change of one method of a class: a call of a static method, put before or after a call that is there, in place of
 * it, or at the beginning. Immutable.
 *
 * @param type    binary name of the class
 * @param method  name of the method, with all its overloads
 * @param call    the call to look for, as {@code Owner.name} with the simple name of the owner; empty for the beginning
 * @param places  how often it is there, exactly; weaving fails otherwise, so that a change of the library which moves
 *                the place is noticed
 * @param only    which of the places is changed, from 1; 0 for all
 * @param deed    what is done
 * @param target  the static method that is called
 * @param number  its argument, for {@link Deed#BEFORE} and {@link Deed#AFTER}
 */
public record Weave(String type, String method, String call, int places, int only, Deed deed, Method target,
                    int number) {
    /** What is done at a place. */
    public enum Deed {
        /** The target is called with a number before the call. */
        BEFORE,
        /** The target is called with a number after the call. */
        AFTER,
        /** The target is called instead, with the receiver and the arguments of the call. */
        INSTEAD,
        /** The target is called first, with {@code this} and the arguments of the method. */
        ENTRY
    }

    /** A class and the call that marks a place in one of its methods. */
    public record Place(String type, String method, String call, int places, int only) {
        /** All of the places. */
        public static Place of(final String type, final String method, final String call, final int places) {
            return new Place(type, method, call, places, 0);
        }

        /** One of the places, counted from 1. */
        public Place only(final int which) {
            return new Place(type, method, call, places, which);
        }

        /** The target is called with a number before each place. */
        public Weave before(final Class<?> in, final String target, final int number) {
            return new Weave(type, method, call, places, only, Deed.BEFORE, named(in, target), number);
        }

        /** The target is called with a number after each place. */
        public Weave after(final Class<?> in, final String target, final int number) {
            return new Weave(type, method, call, places, only, Deed.AFTER, named(in, target), number);
        }

        /** The target is called in place of each. */
        public Weave instead(final Class<?> in, final String target) {
            return new Weave(type, method, call, places, only, Deed.INSTEAD, named(in, target), 0);
        }
    }

    /** The target is called at the beginning of a method that has no overloads. */
    public static Weave entry(final String type, final String method, final Class<?> in, final String target) {
        return new Weave(type, method, "", 1, 0, Deed.ENTRY, named(in, target), 0);
    }

    private static Method named(final Class<?> type, final String name) {
        Method found = null;
        for (final Method method : type.getDeclaredMethods()) {
            if (method.getName().equals(name)) {
                if (found != null) {
                    throw new IllegalArgumentException("target is not the only one of its name: " + name);
                }
                found = method;
            }
        }
        if (found == null) {
            throw new IllegalArgumentException("no such target: class=" + type.getName() + ", method=" + name);
        }
        return found;
    }

    /** Where the change is, for messages. */
    public String where() {
        return type + "." + method + (call.isEmpty() ? " at its beginning" : " at " + call);
    }
}
