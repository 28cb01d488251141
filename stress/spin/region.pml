/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol between readers and writers of one record: RegionLock, EpochDomain, and the unmap of SpaceEngine.
 * README.md says what is modelled and what is left out; tags such as [S1] are those of the code.
 *
 * Size, by -D: READERS, WRITERS, UNMAPPERS (READERS + UNMAPPERS at most 4, WRITERS and UNMAPPERS at most 2 each), TURNS
 * of a writer, LIVES of the record, ROLES0 and ROLES1 of the first and of the other readers, CLOSER, GIVE_UP, UPGRADES,
 * OTHERS, FENCE, LIGHTS, DEPTH of a store buffer. PROGRESS_WRITER and PROGRESS_UNMAP replace the check at the end by a claim in LTL.
 * All other names under #ifdef are mutants.
 */

#ifndef READERS
#define READERS 2
#endif
#ifndef WRITERS
#define WRITERS 1
#endif
#ifndef UNMAPPERS
#define UNMAPPERS 1
#endif
#ifndef TURNS
#define TURNS 1
#endif
#ifndef LIVES
#define LIVES 2
#endif
#ifndef DEPTH
#define DEPTH 2
#endif
#define SLOTS (READERS + UNMAPPERS)

/* What a reader does; it chooses again and again, and stops when it likes. */
#define SHARE 1
#define TO_HOLD 2
#define HOLD 4
#define PIN 8
#define UPGRADE 16
#define OPTIMISTIC 32
#ifndef ROLES0
#define ROLES0 (SHARE | PIN)
#endif
#ifndef ROLES1
#define ROLES1 ROLES0
#endif

/* ---------------------------------------------------------------------------------------------------- shared memory */

/* The lock word: flags, and the count of counted holds above them. */
#define ATTACHED 1
#define EXCLUDING 2
#define EXCLUSIVE 4
#define WRITER (EXCLUDING | EXCLUSIVE)
#define UNIT 8
#define COUNT(word) ((word) >> 3)
#define OPEN(word) (((word) & (ATTACHED | WRITER)) == ATTACHED)

/* The sequence of the first life; a record's sequence begins at 0. */
#define FIRST 2

byte lock = ATTACHED;
byte sequence = FIRST;
byte incarnation = FIRST;
byte tree = 1;           /* the life whose interval leads to the record, 0 when there is none */
byte mem = 1;            /* the life whose bytes the memory holds, 0 when it is given back: the poison */
byte data1, data2;       /* what a writer with an exclusive guard changes, one after the other */
byte epoch = 1;
bit hazard[SLOTS];       /* names the record, or not */
byte pin[SLOTS];

/* ----------------------------------------------------------------------------------------------------------- ghosts */

byte lives = 1;          /* the number of the record's life; a handle carries that of the life it was made in as born */
byte sharers;            /* shared guards and counted holds that were granted and are not over */
byte owners;             /* exclusive guards that were granted and are not over */
byte running;
bit writerWaits;         /* a writer has announced itself and is not in */
bit unmapWaits;          /* a region is detached and its memory not given back */
byte upgrades;

#define access(life) assert(mem == (life))

inline enterShared(life) {
    d_step {
        sharers++;
        assert(owners == 0 && lives == life && mem == life)
    }
}

inline enterExclusive(life) {
    d_step {
        owners++;
        assert(owners == 1 && sharers == 0 && lives == life && mem == life)
    }
}

/* ------------------------------------------------------------------------------------------ store buffers, barriers */

mtype = { HZ, PN, LT };
chan buffer[SLOTS] = [DEPTH] of { mtype, byte };
#ifdef LIGHTS
byte lights;             /* threads that announce without a fence */
bit light[SLOTS];        /* whether the slot's thread is one */
#endif
int interrupts;          /* bit 4 * caller + slot: the caller's membarrier has not reached the slot's thread yet */

/* 17895697 is 0x1111111. */
#define SELF(slot) (17895697 << (slot))
#define CALLERS(caller) (((1 << SLOTS) - 1) << (4 * (caller)))
#define BY_WRITER(i) (i)
#define BY_UNMAPPER(i) (2 + (i))
#define BY_READER(i) (4 + (i))

/* A read-modify-write of the thread that owns the slot: nothing of its own is in its store buffer then. */
#define FLUSHED(slot) empty(buffer[slot])

inline drainOne(slot) {
    buffer[slot]?where,value;
    if
    :: where == HZ -> hazard[slot] = value
    :: where == PN -> pin[slot] = value
#ifdef LIGHTS
    :: where == LT -> lights = lights + value
#endif
    fi;
    where = 0;
    value = 0
}

/* The store buffer of one thread: first in, first out, drained when it pleases. */
proctype StoreBuffer(byte slot) {
    mtype where;
    byte value;
end:
    do
    :: atomic { nempty(buffer[slot]) -> drainOne(slot) }
    od
}

/* The membarriers that come by one thread: each drains the whole store buffer. */
proctype Interrupt(byte slot) {
    mtype where;
    byte value;
end:
    do
    :: atomic {
        (interrupts & SELF(slot)) != 0 ->
        do
        :: nempty(buffer[slot]) -> drainOne(slot)
        :: empty(buffer[slot]) -> break
        od;
        interrupts = interrupts & ~SELF(slot)
    }
    od
}

inline lightBarrier(slot) {
#if defined(FENCE) && !defined(NO_BARRIER)
    FLUSHED(slot)
#elif defined(LIGHTS)
    if
    :: light[slot]
    :: !light[slot] -> FLUSHED(slot)
#ifdef LIGHT_UNFENCED
    :: !light[slot] -> buffer[slot]!LT,1; light[slot] = 1
#else
    :: !light[slot] -> atomic { FLUSHED(slot) -> lights++; light[slot] = 1 }    /* [L1] L1, L2 */
#endif
    fi
#else
    skip
#endif
}

/* The thread announces with fences again, whatever it has announced already; it need not. */
inline stopBeingLight(slot) {
#ifdef LIGHTS
    if
#ifdef LIGHT_ENDS_UNFENCED
    :: light[slot] -> atomic { lights--; light[slot] = 0 }
#else
    :: light[slot] -> atomic { FLUSHED(slot) -> lights--; light[slot] = 0 }     /* [L1] L3 */
#endif
    :: true
    fi
#else
    skip
#endif
}

inline heavyBarrier(caller) {
#if defined(FENCE) || defined(NO_BARRIER)
    skip
#elif defined(LIGHTS)
    if
    :: lights == 0                                                              /* [L1] L5 */
    :: lights != 0 ->
        interrupts = interrupts | CALLERS(caller);
        (interrupts & CALLERS(caller)) == 0
    fi
#else
    interrupts = interrupts | CALLERS(caller);
    (interrupts & CALLERS(caller)) == 0
#endif
}

/* ---------------------------------------------------------------------------------------------------------- readers */

inline announce(slot) {
    buffer[slot]!HZ,1;                                                          /* [E1] R1 */
    lightBarrier(slot)                                                          /* [E1] R2 */
}

inline pinSlot(slot, tmp) {
    tmp = epoch;                                                                /* [E3] */
    buffer[slot]!PN,tmp;                                                        /* [E1] R1 */
    lightBarrier(slot)                                                          /* [E1] R2 */
}

/* RegionLock.tryShare; granted says how it ended. */
inline tryShare(slot) {
    granted = 0;
    if
#ifndef NO_FIRST_LOOK
    :: !OPEN(lock) -> skip                                                      /* [P1] */
#else
    :: false -> skip
#endif
#ifdef INCARNATION_BEFORE_ANNOUNCE
    :: incarnation != handle -> skip
#endif
    :: else ->
        announce(slot);
#ifdef NO_RECHECK
        granted = 1;
#else
        granted = OPEN(lock);                                                   /* [E1] R3, [S2] */
#endif
#if !defined(INCARNATION_BEFORE_ANNOUNCE) && !defined(INCARNATION_IGNORED)
        granted = granted && incarnation == handle;                                 /* [S2] */
#endif
        if
        :: granted -> enterShared(born)
        :: else -> buffer[slot]!HZ,0
        fi
    fi
}

/* Ends a counted hold: here, or by handing it to another thread. */
inline endHold(life) {
#ifdef CLOSER
    if
    :: nfull(handed) -> handed!life
    :: access(life); atomic { sharers--; lock = lock - UNIT }
    fi
#else
    access(life);
    atomic { sharers--; lock = lock - UNIT }                                    /* [S3] */
#endif
}

#ifdef CLOSER
chan handed = [1] of { byte };

proctype Closer() {
    byte life;
end:
    do
    :: handed?life ->
        access(life);
        atomic { sharers--; lock = lock - UNIT; life = 0 }
    od
}
#endif

proctype Reader(byte me; byte roles) {
    byte handle = FIRST;
    byte born = 1;
    byte word, seen, s;
    bit granted;

again:
    do
    :: (roles & SHARE) != 0 ->
        tryShare(me);
        if
        :: granted -> goto shared
        :: else -> skip
        fi

    :: (roles & HOLD) != 0 ->
        atomic {                                                                /* RegionLock.tryHold */
            FLUSHED(me) ->
            granted = OPEN(lock);
            if
            :: granted -> lock = lock + UNIT
            :: else -> skip
            fi
        }
        if
#ifdef HOLD_UNCOMPARED
        :: granted -> enterShared(born); endHold(born)
#else
        :: granted && incarnation == handle -> enterShared(born); endHold(born)
        :: granted && incarnation != handle -> lock = lock - UNIT               /* [C1] */
#endif
        :: else -> skip
        fi

    :: (roles & PIN) != 0 ->
        pinSlot(me, seen);
        seen = tree;                                                            /* AddressSpace.findPinned */
        if
        :: seen != 0 && (lock & ATTACHED) != 0 ->
            atomic { assert(lives == seen); handle = incarnation; born = seen }
            access(born)
        :: else -> skip
        fi;
        buffer[me]!PN,0;                                                        /* [E2] */
        seen = 0

    :: (roles & OPTIMISTIC) != 0 ->
        seen = sequence;                                                        /* [O1] */
        if
        :: (seen & 1) == 0 && (lock & ATTACHED) != 0 ->
            if
            :: incarnation == handle ->
                word = data1;
                s = data2;
                granted = mem == born && word == s;
                if
                :: (lock & ATTACHED) != 0 ->                                    /* [O2] */
#ifndef NO_SEQUENCE
                    if
                    :: sequence == seen -> assert(granted)
                    :: else -> skip
                    fi
#else
                    assert(granted)
#endif
                :: else -> skip
                fi
            :: else -> skip
            fi
        :: else -> skip
        fi;
        atomic { word = 0; s = 0; seen = 0; granted = 0 }

    :: atomic { running--; break }
    od;
    goto stopped;

shared:
    granted = 0;
    stopBeingLight(me);
    access(born);
    if
    :: atomic { sharers--; buffer[me]!HZ,0 }                                    /* [S3] */
    :: (roles & TO_HOLD) != 0 ->                                                /* RegionLock.toHold */
#ifdef HAZARD_FIRST
        buffer[me]!HZ,0;
        atomic { FLUSHED(me) -> lock = lock + UNIT }
#else
        atomic { FLUSHED(me) -> lock = lock + UNIT }
        buffer[me]!HZ,0;
#endif
        endHold(born)
    :: atomic { (roles & UPGRADE) != 0 && upgrades > 0 -> upgrades-- }
        atomic {                                                                /* RegionLock.tryUpgrade */
            FLUSHED(me) ->
            granted = OPEN(lock);
            if
            :: granted -> lock = lock | EXCLUDING
            :: else -> skip
            fi
        }
        if
        :: granted ->
            heavyBarrier(BY_READER(me));
            s = 0;
            do
            :: s == SLOTS -> break
            :: s < SLOTS && (s == me || !hazard[s]) -> s++
            :: s < SLOTS && s != me && hazard[s] -> granted = 0; break
            od;
            s = 0;
            if
            :: granted && COUNT(lock) == 0 -> goto upgraded
            :: else -> granted = 0; lock = lock & ~WRITER
            fi
        :: else -> skip
        fi;
        goto shared
    fi;
    goto next;

upgraded:
    granted = 0;
    atomic { FLUSHED(me) -> lock = lock | EXCLUSIVE }
    sequence++;                                                                 /* [X1] */
    atomic { sharers--; enterExclusive(born) }
    buffer[me]!HZ,0;
    access(born);
    if
    :: atomic { owners--; sequence++ }                                          /* [X2] */
        atomic { FLUSHED(me) -> lock = lock & ~WRITER }                         /* [X3] */
    :: buffer[me]!HZ,1;                                                         /* RegionLock.downgrade */
        atomic { owners--; sharers++; sequence++ }                              /* [X2] */
        atomic { FLUSHED(me) -> lock = lock & ~WRITER }                         /* [X3] */
        goto shared
    fi;

next:
    stopBeingLight(me);
    goto again;

stopped:
    skip
}

/* ---------------------------------------------------------------------------------------------------------- writers */

/* A handle that was looked up just now; without this step it stays the one of the first life. */
inline lookUp() {
    if
    :: atomic { (lock & ATTACHED) != 0 -> handle = incarnation; born = lives }
    :: true
    fi
}

inline awaitCount() {
    if
    :: COUNT(lock) == 0                                                         /* [S3] */
#ifdef GIVE_UP
    :: COUNT(lock) != 0 -> goto withdraw
#endif
    fi
}

proctype Writer(byte me) {
    byte handle = FIRST;
    byte born = 1;
    byte turn, s;

    do
    :: turn == TURNS -> break
    :: turn < TURNS ->
        turn++;
        lookUp();
#ifdef BARRIER_BEFORE_EXCLUDE
        heavyBarrier(BY_WRITER(me));
#endif
        atomic {                                                                /* RegionLock.tryExclude */
            if
            :: OPEN(lock) -> lock = lock | EXCLUDING
            :: (lock & ATTACHED) == 0 -> goto next                              /* detached */
#ifdef GIVE_UP
            :: (lock & WRITER) != 0 -> goto next                                /* somebody else is the writer */
#endif
            fi
        }
#ifndef EXCLUDE_UNCOMPARED
        if
        :: incarnation != handle -> goto withdraw                               /* [C1] */
        :: else
        fi;
#endif
        writerWaits = 1;
#ifndef BARRIER_BEFORE_EXCLUDE
        heavyBarrier(BY_WRITER(me));                                            /* [E1] W2 */
#endif
#ifdef COUNT_BEFORE_HAZARDS
        awaitCount();
#endif
        s = 0;
        do
        :: s == SLOTS -> break
        :: s < SLOTS && !hazard[s] -> s++                                       /* [E2] */
#ifdef GIVE_UP
        :: s < SLOTS && hazard[s] -> goto withdraw
#endif
        od;
#ifndef COUNT_BEFORE_HAZARDS
        awaitCount();
#endif
        lock = lock | EXCLUSIVE;
        sequence++;                                                             /* [X1] */
        atomic { writerWaits = 0; s = 0; enterExclusive(born) }
        data1++;
        data2++;
        access(born);
        atomic { owners--; sequence++ }                                         /* [X2] */
        lock = lock & ~WRITER;                                                  /* [X3] */
        goto next;
withdraw:
        atomic {
            writerWaits = 0;
            s = 0;
#ifndef FLAG_LEFT
            lock = lock & ~WRITER
#endif
        }
next:
        skip
    od;
    running--
}

/* ------------------------------------------------------------------------------------------------------------ unmap */

#define PASSED(slot, tag) (pin[slot] == 0 || pin[slot] > (tag))

inline takeTag(tag) {
    tag = epoch
}

/* EpochDomain.advanceBeyond: a pin at or below the tag has been found. */
#ifdef TAG_WITHOUT_ADVANCE
#define MAY_ADVANCE(slot, tag) false
#else
#define MAY_ADVANCE(slot, tag) (!PASSED(slot, tag) && epoch == (tag))
#endif

/* Waits until every slot is free of the record and of pins from before the tag, in the order of the slots. */
inline awaitSlots() {
    s = 0;
    do
    :: s == SLOTS -> break
#ifdef FREE_WITHOUT_PINS
    :: s < SLOTS && !hazard[s] -> s++
#else
    :: s < SLOTS && !hazard[s] && PASSED(s, tag) -> s++                         /* [E2] */
    :: atomic { s < SLOTS && !hazard[s] && MAY_ADVANCE(s, tag) -> epoch++ }     /* [E4] */
#endif
    od
}

/* The record's own grace period, and its way to the table of free records: RetireList, SpaceCore.recycle. */
inline recycle() {
#ifndef EARLY_REUSE
    heavyBarrier(BY_UNMAPPER(me));
    takeTag(tag);                                                               /* [E4] */
    s = 0;
    do
    :: s == SLOTS -> break
    :: s < SLOTS && PASSED(s, tag) -> s++                                       /* [E2] */
    :: atomic { s < SLOTS && MAY_ADVANCE(s, tag) -> epoch++ }                   /* [E4] */
    od;
#endif
    atomic {
        assert((lock & (ATTACHED | WRITER)) == EXCLUDING && COUNT(lock) == 0);
        lock = 0;
        s = 0;
        tag = 0
    }
}

/* The next region that uses the record: SpaceEngine.map, RegionLock.attach. */
inline map() {
#ifdef SEQUENCE_RESTARTED
    word = FIRST;
#else
    word = (sequence | 1) + 1;
#endif
    atomic { lives++; mem = lives }
    tree = lives;
    incarnation = word;
    sequence = word;
    atomic { lock = ATTACHED; word = 0 }                                        /* [S2] */
}

/* Takes one life of the record to its end and begins the next one, if any is left. */
proctype Unmapper(byte me; byte slot) {
    byte handle = FIRST;
    byte born = 1;
    byte word, tag, s;

next:
    if
    :: goto done
    :: lookUp()
    fi;

#ifdef BARRIER_BEFORE_DETACH
    heavyBarrier(BY_UNMAPPER(me));
#endif
#ifdef TAG_BEFORE_DETACH
    takeTag(tag);
#endif
#ifdef SPLIT_DETACH
    atomic {
        if
        :: OPEN(lock) && incarnation == handle -> lock = lock | EXCLUDING
        :: else -> goto next
        fi
    }
    heavyBarrier(BY_UNMAPPER(me));
    takeTag(tag);
    atomic { lock = lock & ~ATTACHED; unmapWaits = 1 }
    sequence++;
#else
#ifndef DETACH_UNPINNED
    pinSlot(slot, word);                                                        /* [D1] */
#endif
retry:
    word = lock;                                                                /* RegionLock.tryDetach */
    if
#ifdef EARLY_DETACH
    :: (word & ATTACHED) == 0 || incarnation != handle -> goto refused
#else
    :: !OPEN(word) || incarnation != handle -> goto refused
#endif
    :: else
    fi;
    atomic {
        FLUSHED(slot) ->
        if
        :: lock == word ->
            lock = (lock & ~ATTACHED) | EXCLUDING;                              /* [D1] */
            assert(lives == born);
            word = 0;
            unmapWaits = 1
        :: else -> goto retry
        fi
    }
    sequence++;
#ifndef DETACH_UNPINNED
    buffer[slot]!PN,0;
#endif
#ifdef TAG_BEFORE_BARRIER
    takeTag(tag);
#endif
#ifndef BARRIER_BEFORE_DETACH
    heavyBarrier(BY_UNMAPPER(me));                                              /* [E1] W2 */
#endif
#if !defined(TAG_BEFORE_DETACH) && !defined(TAG_BEFORE_BARRIER)
    takeTag(tag);                                                               /* [E4] */
#endif
#endif

#ifndef EARLY_FREE
#ifdef COUNT_BEFORE_HAZARDS
    COUNT(lock) == 0;
    awaitSlots();
#else
    awaitSlots();
    COUNT(lock) == 0;                                                           /* [S3] */
#endif
#endif
    atomic { mem = 0; s = 0; tag = 0; unmapWaits = 0 }                          /* SpaceEngine.finish */
    tree = 0;
    recycle();
    if
    :: lives == LIVES -> goto done
    :: else -> map(); goto next
    fi;

refused:
    word = 0;
#ifndef DETACH_UNPINNED
    buffer[slot]!PN,0;
#endif
    goto next;

done:
    running--
}

/* Writers of other records, with the same tags, who meet pins of this one's readers. */
#ifdef OTHERS
proctype Others() {
    byte times;

end:
    do
    :: times == OTHERS -> break
    :: atomic {
        times < OTHERS &&
        (pin[0] == epoch || pin[SLOTS - 1] == epoch) ->
        epoch++;
        times++
    }
    od
}
#endif

/* ------------------------------------------------------------------------------------------------------- everything */

init {
    byte i;

    atomic {
        running = READERS + WRITERS + UNMAPPERS;
#ifdef UPGRADES
        upgrades = UPGRADES;
#endif
        i = 0;
        do
        :: i < SLOTS ->
            run StoreBuffer(i);
#ifndef FENCE
            run Interrupt(i);
#endif
            i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < READERS ->
            if
            :: i == 0 -> run Reader(i, ROLES0)
            :: else -> run Reader(i, ROLES1)
            fi;
            i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < WRITERS -> run Writer(i); i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < UNMAPPERS -> run Unmapper(i, READERS + i); i++
        :: else -> break
        od;
#ifdef CLOSER
        run Closer();
#endif
#ifdef OTHERS
        run Others();
#endif
        i = 0
    }
#if !defined(PROGRESS_WRITER) && !defined(PROGRESS_UNMAP)
    /* Nobody can take a step: then everybody is through, and nothing is left behind. */
    atomic {
        timeout;
        assert(running == 0 && sharers == 0 && owners == 0);
        assert(lock == 0 || lock == ATTACHED);
        do
        :: i < SLOTS -> assert(!hazard[i] && pin[i] == 0); i++
        :: else -> break
        od
    }
#endif
}

#ifdef PROGRESS_WRITER
ltl writerGetsIn { [] (writerWaits -> <> !writerWaits) }
#endif
#ifdef PROGRESS_UNMAP
ltl unmapEnds { [] (unmapWaits -> <> !unmapWaits) }
#endif
