/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers' turns: RegionLock [Y1] to [Y3]. A reader that a writer has turned away says that it waits, and asks; a writer
 * that finds it asked lets it in before it announces itself. README.md says what is modelled and what is left out.
 *
 * Size, by -D: READERS, WRITERS; MOST, how often a reader that has asked is turned away. PROGRESS_READER replaces the checks at the end by a claim in LTL. All other names under
 * #ifdef are mutants.
 */

#ifndef READERS
#define READERS 1
#endif
#ifndef WRITERS
#define WRITERS 2
#endif
#ifndef MOST
#define MOST (WRITERS * (WRITERS + 3) / 2)
#endif

/* The lock word. */
#define EXCLUDING 1
#define AWAITED 2
byte lock = AWAITED;     /* of a reader that has left */

bit waits[READERS];      /* the hazard in which a reader says that it waits; keeps nobody out */
bit hazard[READERS];     /* the hazard of its shared lock */

/*
 * Ghosts: whether a reader has asked and is not in; whether a writer has announced itself since it looked last; how often
 * that was so when it looked again; and who is in.
 */
bit asked[READERS];
bit passed[READERS];
byte turnedAway[READERS];
byte owners;
byte running;

/* A writer announces itself. */
inline notePassed() {
    s = 0;
    do
    :: s == READERS -> break
    :: s < READERS && asked[s] -> passed[s] = 1; s++
    :: s < READERS && !asked[s] -> s++
    od;
    s = 0
}

/* A reader that has asked looks again: a writer has come before it meanwhile, or not. */
inline lookAgain() {
#ifndef PROGRESS_READER
    turnedAway[me] = turnedAway[me] + passed[me];
    assert(turnedAway[me] <= MOST);
#endif
    passed[me] = 0;
    asked[me] = 1
}

/* RegionLock.share: looks, announces, looks again; turned away, it says that it waits, asks, and looks the next time. */
proctype Reader(byte me) {
#ifndef PROGRESS_READER
again:
#endif
    do
    :: true ->
        if
        :: (lock & EXCLUDING) == 0 ->                       /* RegionLock.tryShare */
            hazard[me] = 1;
            if
            :: (lock & EXCLUDING) == 0 -> break
            :: else -> hazard[me] = 0
            fi
        :: else
        fi;
        waits[me] = 1;                                      /* [Y1], and a full fence */
        atomic {
#if defined(ASKED_ONCE)
            lock = (asked[me] -> lock : lock | AWAITED);
#elif defined(ASKED_BESIDE_WRITERS)
            lock = ((lock & EXCLUDING) != 0 -> lock | AWAITED : lock);
#else
            lock = lock | AWAITED;                          /* [Y1] */
#endif
            lookAgain()
        }
    od;
    atomic { asked[me] = 0; passed[me] = 0; turnedAway[me] = 0 }
    assert(owners == 0);
#ifndef WAITING_LEFT
    waits[me] = 0;
#endif
    hazard[me] = 0;
#ifndef PROGRESS_READER
    if
    :: goto again
    :: true
    fi;
#endif
    running--
}

proctype Writer() {
    byte word, s;
    bit found;
    do
#ifdef PROGRESS_READER
    :: true ->                                              /* without a pause */
#else
    :: break
    :: true ->
#endif
        atomic { word = lock; found = 0; s = 0 }
        if
        :: (word & EXCLUDING) != 0 -> found = 1             /* somebody is there */
#ifndef NOT_LOOKED
        :: (word & EXCLUDING) == 0 && (word & AWAITED) != 0 ->
            do
            :: s == READERS -> break
            :: s < READERS && waits[s] -> found = 1; break  /* [Y2] */
            :: s < READERS && !waits[s] -> s++
            od;
            s = 0;
            if
            :: !found ->
                atomic {                                    /* [Y3], by compare-and-set */
                    if
                    :: lock == word -> lock = word & ~AWAITED
                    :: else
                    fi
                }
            :: found
            fi
        :: (word & EXCLUDING) == 0 && (word & AWAITED) == 0
#else
        :: (word & EXCLUDING) == 0
#endif
        fi;
        if
        :: found
        :: !found ->
            atomic {
                if
                :: (lock & EXCLUDING) == 0 -> lock = lock | EXCLUDING; notePassed()
                :: else -> found = 1
                fi
            }
            if
            :: found
            :: !found ->
                do                                          /* the drain */
                :: s == READERS -> break
#ifdef WAITING_DRAINED
                :: s < READERS && !hazard[s] && !waits[s] -> s++
#else
                :: s < READERS && !hazard[s] -> s++
#endif
                od;
                s = 0;
                d_step { owners++; assert(owners == 1) }
                owners--;
                atomic { lock = lock & ~EXCLUDING }
            fi
        fi
    od;
    running--
}

init {
    byte i;
    atomic {
        running = READERS + WRITERS;
        do
        :: i == READERS -> break
        :: i < READERS -> run Reader(i); i++
        od;
        i = 0;
        do
        :: i == WRITERS -> break
        :: i < WRITERS -> run Writer(); i++
        od
    }
#ifndef PROGRESS_READER
    running == 0;
    assert((lock & EXCLUDING) == 0 && !waits[0] && !hazard[0])
#endif
}

#ifdef PROGRESS_READER
/* A reader that has asked gets in, beside writers that never pause. */
ltl turn { [] (asked[0] -> <> !asked[0]) }
#endif
