/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writers that share a membarrier by tickets: HeavyBarrier. Each writer turns readers away from a thing of its own,
 * runs the barrier, and looks at the slots; whatever it finds free by then must stay free.
 *
 * Size, by -D: READERS, WRITERS (at most 4 each), DEPTH of a store buffer.
 */

#ifndef READERS
#define READERS 1
#endif
#ifndef WRITERS
#define WRITERS 2
#endif
#ifndef DEPTH
#define DEPTH 2
#endif

byte slot[READERS];      /* the number of the thing that the reader has announced, 0 for none */
bit closed[WRITERS];     /* readers are turned away from the writer's thing */
bit gone[WRITERS];       /* the writer has found its thing free of readers */

/* HeavyBarrier's fields */
byte started;
byte finished;
bit busy;

chan buffer[READERS] = [DEPTH] of { byte };
int interrupts;          /* bit 4 * caller + reader: the caller's membarrier has not reached the reader yet */

#define SELF(reader) (4369 << (reader)) /* 4369 is 0x1111 */
#define CALLERS(caller) (((1 << READERS) - 1) << (4 * (caller)))

proctype StoreBuffer(byte reader) {
    byte value;
end:
    do
    :: atomic { buffer[reader]?value -> slot[reader] = value; value = 0 }
    od
}

proctype Interrupt(byte reader) {
    byte value;
end:
    do
    :: atomic {
        (interrupts & SELF(reader)) != 0 ->
        do
        :: buffer[reader]?value -> slot[reader] = value
        :: empty(buffer[reader]) -> break
        od;
        value = 0;
        interrupts = interrupts & ~SELF(reader)
    }
    od
}

proctype Reader(byte me) {
    byte thing;

    do
    :: select(thing : 0 .. WRITERS - 1);
        buffer[me]!thing + 1;
        if
        :: !closed[thing] -> assert(!gone[thing])                               /* inside, until it clears its slot */
        :: else -> skip
        fi;
        buffer[me]!0;
        thing = 0
    :: break
    od
}

inline issue() {
    interrupts = interrupts | CALLERS(me);
    (interrupts & CALLERS(me)) == 0
}

proctype Writer(byte me) {
    byte needed, i;

    closed[me] = 1;
#ifdef JOIN_RUNNING
    needed = started;
#else
    needed = started + 1;                                                       /* [B1] */
#endif
    do
    :: finished >= needed -> break                                              /* [B2] */
    :: finished < needed ->
        if
        :: atomic { !busy -> busy = 1 }
#ifdef STARTED_LATE
            issue();
            started++;
            finished = started;
#else
            started++;
#ifdef FINISHED_EARLY
            finished = started;
            issue();
#else
            issue();
            finished = started;
#endif
#endif
            busy = 0
        :: busy -> issue(); break                                               /* patience is over */
        :: busy -> skip
        fi
    od;
    do
    :: i == READERS -> break
    :: i < READERS && slot[i] != me + 1 -> i++
    od;
    gone[me] = 1
}

init {
    byte i;

    atomic {
        do
        :: i < READERS -> run StoreBuffer(i); run Interrupt(i); run Reader(i); i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < WRITERS -> run Writer(i); i++
        :: else -> break
        od
    }
}
