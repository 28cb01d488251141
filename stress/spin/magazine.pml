/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Magazines: Magazines [M2], [M4], [M5]. One record that keeps its interval in the tree while it goes from life to life
 * through one place; whoever needs its addresses takes it out. README.md says what is modelled and what is left out.
 *
 * Size, by -D: CHANGERS, threads that map and unmap; LIVES, how often the record is attached; MOST, where
 * the epoch ends; FIXED, a thread that maps at
 * the same addresses; TRIM, one that frees them; SECTION, one that keeps them for itself; OTHER, a grace period that advances the
 * epoch. All other names under #ifdef are mutants.
 */

#ifndef CHANGERS
#define CHANGERS 2
#endif
#ifndef LIVES
#define LIVES 3
#endif

#ifndef MOST
#define MOST 3
#endif

/* The place: a record is in it, and how far its grace period has come. */
#define EMPTY 0
#define RESTING 1
#define RIPENING 2
#define PARKED 3
byte place = EMPTY;
bit marking;
byte tag;

/* The lock word and the incarnation of the record. */
#define FREE 0 /* of what is parked as well, where a section parked it: its record was never attached */
#define ATTACHED 1
#define DETACHED 2
byte lock = ATTACHED;
byte life = 1;

byte epoch = 1;
byte pin[CHANGERS];
bit inTree = 1;
byte begun, ended;       /* [M5] */
bit announced[CHANGERS]; /* a map that takes whatever is free, and what it came to */
bit section;

/* Ghosts: how many have the addresses; whether somebody had them since the fixed map began; whether a section is inside. */
byte owners = 1;
bit hadOwner;            /* somebody had the addresses meanwhile */
bit inside;
byte running;

inline own() { owners++; assert(owners == 1); hadOwner = 1 }

/* Magazines.Ring.ripen */
inline ripen() {
    atomic {
        if
        :: marking -> mine = 0
        :: else -> marking = 1; mine = 1
        fi
    }
    if
    :: mine ->
#ifdef TAG_BEFORE_MARK
        if
        :: tag == 0 ->
            seen = epoch;
            atomic {
                if
                :: place == RESTING -> place = RIPENING
                :: else
                fi
            }
            tag = (place == RIPENING -> seen : 0)
        :: else
        fi;
#else
        if
        :: tag == 0 ->
            atomic {
                if
                :: place == RESTING -> place = RIPENING
                :: else
                fi
            }
            if
            :: place == RIPENING -> tag = epoch             /* [M2] */
            :: else
            fi
        :: else
        fi;
#endif
        if
        :: tag != 0 ->
            seen = 0;                                       /* EpochDomain.passed */
            do
            :: seen == CHANGERS -> break
            :: seen < CHANGERS ->
#ifndef NO_GRACE
                if
                :: pin[seen] != 0 && pin[seen] <= tag ->
                    atomic {
                        if
                        :: epoch == tag && epoch < MOST -> epoch++
                        :: else
                        fi
                    }
                    break
                :: else -> seen++
                fi
#else
                seen++
#endif
            od;
            if
            :: seen == CHANGERS ->
                atomic {
                    if
                    :: place == RIPENING -> place = PARKED
                    :: else
                    fi
                }
                tag = 0
            :: else
            fi
        :: else
        fi;
        marking = 0
    :: else
    fi;
    seen = 0;
    mine = 0
}

/* Maps by way of the place: announces itself, claims, attaches. */
inline map() {
#ifndef ANNOUNCED_LATE
    announced[me] = 1;                                      /* [M4] */
#endif
    if
    :: section
    :: else ->
#ifdef CLAIM_UNCOMPARED
        seen = place;
        if
        :: seen == PARKED -> d_step { place = EMPTY; own() } mine = 1
        :: else -> mine = 0
        fi;
#else
        atomic {
            if
            :: place == PARKED -> place = EMPTY; own(); mine = 1
            :: else -> mine = 0
            fi
        }
#endif
        seen = 0;
        if
        :: mine ->
            mine = 0;
#ifdef ANNOUNCED_LATE
            announced[me] = 1;
#endif
            assert(lock != ATTACHED && inTree);
            lock = FREE;
            life++;                                         /* RegionLock.attach */
            d_step { assert(lock == FREE); assert(!inside); lock = ATTACHED }
        :: else
        fi
    fi;
    announced[me] = 0
}

/* Unmaps the life that its handle names, which may be over; parks it. */
inline unmap() {
    handle = life;
    seen = epoch;
    pin[me] = seen;
    seen = 0;
    if
    :: life == handle && lock == ATTACHED ->                /* RegionLock.tryDetach: looks, and swaps the word [D1] */
        atomic {
            if
            :: lock == ATTACHED -> lock = DETACHED; assert(life == handle); mine = 1
            :: else -> mine = 0
            fi
        }
    :: else -> mine = 0
    fi;
    pin[me] = 0;
    if
    :: mine ->
        atomic { assert(owners == 1 && place == EMPTY); owners--; place = RESTING }
    :: else
    fi;
    mine = 0;
    handle = 0
}

proctype Changer(byte me) {
    byte seen, handle;
    bit mine;
    do
    :: true -> break
    :: inTree == 1 -> ripen()
    :: life < LIVES -> map()
    :: true -> unmap()
    od;
    running--
}

/* Magazines.evict */
inline evict() {
    seen = place;
    do
    :: seen == EMPTY -> break
    :: seen != EMPTY ->
#ifndef BEGUN_LATE
        begun++;                                            /* [M5] */
#endif
#ifdef EVICT_UNCOMPARED
        d_step { place = EMPTY; own() }
        mine = 1;
#else
        atomic {
            if
            :: place == seen -> place = EMPTY; owners++; assert(owners == 1); mine = 1
            :: else -> seen = place; mine = 0
            fi
        }
#endif
#ifdef BEGUN_LATE
        begun++;
#endif
        if
        :: mine ->
            mine = 0;
            d_step { assert(lock != ATTACHED && inTree); inTree = 0; owners-- }
            seen = EMPTY
        :: else
        fi;
        ended++
    od;
    seen = 0
}

/* A map at these addresses, and one that misses them: evicts, and looks again if others evicted meanwhile. */
proctype Fixed() {
    byte seen, before, looks;
    bit mine, taken;
    hadOwner = owners != 0;
    do
    :: taken -> break
    :: !taken ->
#ifndef ENDED_AFTER
        before = ended;
#endif
        atomic {
            if
            :: !inTree -> inTree = 1; own(); taken = 1
            :: else
            fi
        }
#ifdef ENDED_AFTER
        before = ended;
#endif
        if
        :: taken -> break
        :: else
        fi;
        if
        :: begun != ended                                   /* isEvicting */
        :: else ->
            evict();
            if
            :: begun == before -> assert(hadOwner); break   /* refused */
            :: else
            fi
        fi
    od;
    running--
}

/* A trim, or a close. */
proctype Trim() {
    byte seen;
    bit mine;
    evict();
    running--
}

/* The grace period of another record, which advances the epoch. */
proctype Other() {
    epoch++;
    running--
}

/* A section that has the range for itself, and what was mapped there before it. It takes what is parked and puts it back,
 * under a record that was never attached, or leaves everything as it is. */
proctype Section() {
    byte i, seen;
    bit mine;
    section = 1;
    do                                                      /* RangeLock [K1] */
    :: i == CHANGERS -> break
    :: i < CHANGERS && !announced[i] -> i++
    od;
    i = 0;
    inside = 1;
#ifdef SECTION_UNCOMPARED
    seen = place;
    if
    :: seen == PARKED -> d_step { place = EMPTY; own() } mine = 1
    :: else
    fi;
#else
    atomic {
        if
        :: place == PARKED -> place = EMPTY; own(); mine = 1
        :: true
        fi
    }
#endif
    seen = 0;
    inside = 0;
    section = 0;
    if
    :: mine ->
        mine = 0;
        d_step { assert(lock != ATTACHED && inTree); lock = FREE }
#ifdef SECTION_PARKS_BEFORE
        place = RESTING;
        d_step { assert(owners == 1); owners-- }
#else
        atomic { assert(owners == 1 && place == EMPTY); owners--; place = RESTING }
#endif
    :: else
    fi;
    running--
}

init {
    byte i;
    atomic {
        running = CHANGERS;
        do
        :: i == CHANGERS -> break
        :: i < CHANGERS -> run Changer(i); i++
        od;
        i = 0;
#ifdef FIXED
        running++;
        run Fixed();
#endif
#ifdef TRIM
        running++;
        run Trim();
#endif
#ifdef OTHER
        running++;
        run Other();
#endif
#ifdef SECTION
        running++;
        run Section()
#endif
    }
    running == 0;
    assert(!marking && begun == ended && !section);
    assert(owners == (lock == ATTACHED || inTree && place == EMPTY))
}
