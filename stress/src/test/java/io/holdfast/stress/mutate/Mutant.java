// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.mutate;

/**
 * One defect of one line: a condition the other way round, a call left out, or an operator in place of its opposite.
 *
 * @param type   binary name of the class
 * @param method name of the method
 * @param kind   what is changed
 * @param number which of the places of this kind in all methods of that name, from 1
 * @param line   of the source, for who reads the report
 */
record Mutant(String type, String method, Kind kind, int number, int line) {
    /** What is changed. */
    enum Kind {
        /** A conditional branch is taken when it must not be, and the other way round. */
        NEGATE,
        /** A call that returns nothing is left out. */
        DROP,
        /** Plus for minus, and for or. */
        OPERATOR
    }

    /** The same place, whatever line it is on. */
    String place() {
        return type.substring("io.holdfast.".length()) + "." + method + " " + kind + " " + number;
    }

    @Override
    public String toString() {
        return place() + " (line " + line + ")";
    }
}
