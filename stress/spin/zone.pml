/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zones of the interval tree: Zoning [Z1] to [Z4], and [Z6]. One address moves between the base and one zone, in which it is
 * inserted, removed and looked up meanwhile. README.md says what is modelled and what is left out.
 *
 * Size, by -D: CHANGES of the changer, MOVES to the zone by leases, CARVINGS by each of CARVERS, LOOKUPS, EVACUATIONS that
 * nobody needs. All other names under #ifdef are mutants.
 */

#ifndef CHANGES
#define CHANGES 2
#endif
#ifndef MOVES
#define MOVES 2
#endif
#ifndef CARVERS
#define CARVERS 0
#endif
#ifndef CARVINGS
#define CARVINGS 1
#endif
#ifndef LOOKUPS
#define LOOKUPS 1
#endif
#ifndef EVACUATIONS
#define EVACUATIONS 1
#endif

#if CARVERS > 0
#define MOST_LOOKS 4     /* at the base, by a lookup */
#else
#define MOST_LOOKS 3
#endif

/* What a root says of the address. */
#define GAP 0
#define REGION 1
#define ELSEWHERE 2      /* of the base: in the zone; of the zone: in the base */

/*
 * A root word is a version, which never comes back while somebody is pinned, and what it says. A compare-and-set compares
 * versions.
 */
byte baseVersion;
byte base = GAP;
byte zoneVersion;
byte zone = ELSEWHERE;
bit frozen;
bit carving;             /* frozen with copies of what the base has, and not to take the zone back */

/* The grace period of the last evacuation [Z4]: who was pinned at its tag. */
bit pinned;              /* the lookup */
bit pinnedBefore;
bit tagged;

/* Ghosts: whether a region is there, and what a lookup that goes on may say of it. */
bit there;
byte may;                /* bit 0: that nothing is there, bit 1: that a region is */

inline nowThere(what) {
    there = what;
    may = (pinned -> may | (1 << what) : 0)
}

/* Zoning.complete: what an evacuation does once the zone is frozen, by whoever meets it. */
inline complete() {
    atomic { z = zoneVersion; said = zone; cold = frozen && !carving }
    if
    :: cold ->
#ifdef TAG_BEFORE_BASE
        atomic { tagged = 1; pinnedBefore = pinned }
#endif
        do
        :: b = baseVersion;
           if
           :: zoneVersion != z -> done = 0; break
           :: else
           fi;
           atomic {                                        /* takeBack, by compare-and-set */
               if
               :: b == baseVersion ->
                   if
                   :: base == ELSEWHERE -> base = (said == REGION -> REGION : GAP); baseVersion++
#ifdef NO_NEW_ROOT
                   :: base != ELSEWHERE
#else
                   :: base != ELSEWHERE -> baseVersion++    /* [Z1] */
#endif
                   fi;
                   done = 1;
                   break
               :: else
               fi
           }
        od;
        if
        :: done ->
#ifndef TAG_BEFORE_BASE
            atomic { tagged = 1; pinnedBefore = pinned }    /* [Z4] */
#endif
            atomic {                                        /* thaw, by compare-and-set */
                if
                :: zoneVersion == z -> zone = ELSEWHERE; frozen = 0; zoneVersion++
                :: else
                fi
            };
            done = 0
        :: !done
        fi
    :: !cold
    fi;
    z = 0; b = 0; said = 0; cold = 0
}

inline evacuate() {
    atomic {                                                /* by compare-and-set */
        if
        :: !frozen -> frozen = 1; zoneVersion++
#ifdef CARVED_AS_FROZEN
        :: frozen -> carving = 0
#else
        :: frozen && carving -> carving = 0; zoneVersion++  /* [Z6] */
        :: frozen && !carving
#endif
        fi
    };
    complete()
}

/* Zoning.mayMove. */
inline lookWhetherMayMove() {
#ifdef BESIDE_FROZEN
    cold = 0;
#else
    atomic { cold = frozen && !carving };                   /* [Z2] */
#endif
#ifndef NO_GRACE
    atomic { cold = cold || (tagged && pinnedBefore) };     /* [Z4] */
#endif
    mayMove = !cold;
    cold = 0
}

/* One change, under the root of the zone that has the address: Zoning.begin, and the swing. */
inline change(insert) {
    do
    :: atomic { z = zoneVersion; said = zone; cold = frozen };
       if
       :: true                                              /* a hint, right or wrong, or none */
       :: !cold && said != ELSEWHERE ->
           assert(said == there || z != zoneVersion);
           tryChange(zone, zoneVersion, z, insert);
           if
           :: done -> break
           :: else
           fi
       fi
       atomic { b = baseVersion; seen = base };
       if
       :: seen != ELSEWHERE ->
           tryChange(base, baseVersion, b, insert);
           if
           :: done -> break
           :: else
           fi
       :: seen == ELSEWHERE ->
           atomic { z = zoneVersion; said = zone; cold = frozen };
           if
           :: cold || said == ELSEWHERE -> evacuate()
           :: else ->
               if
               :: seen == ELSEWHERE ->
                   tryChange(zone, zoneVersion, z, insert);
                   if
                   :: done -> break
                   :: else
                   fi
               :: else
               fi
           fi
       fi
    od;
    done = 0; z = 0; b = 0; said = 0; cold = 0; seen = 0
}

/* By compare-and-set from the version that was read. A change that finds nothing to do leaves it. */
inline tryChange(root, version, read, insert) {
    atomic {
        if
        :: version == read ->
            if
            :: root == insert -> skip                       /* nothing to do */
            :: else -> root = insert; version++; nowThere(insert)
            fi;
            done = 1
        :: else
        fi
    }
}

proctype Changer() {
    byte b, z, said, seen, n;
    bit cold, done;
    do
    :: n < CHANGES ->
        n++;
        if
        :: change(REGION)
        :: change(GAP)
        fi
    :: n >= CHANGES -> break
    od
}

/* A lease of a free window. */
proctype Mover() {
    byte b, z, said, seen, n;
    bit cold, mayMove, moved;
    do
    :: n < MOVES ->
        n++;
        atomic { b = baseVersion; seen = base };
        if
        :: seen == GAP ->
            lookWhetherMayMove();
            atomic {
                moved = 0;
                if
                :: mayMove && baseVersion == b -> base = ELSEWHERE; baseVersion++; moved = 1
                :: else
                fi
            };
            if
            :: moved ->                                     /* open */
                atomic { z = zoneVersion; said = zone; cold = frozen };
#ifdef OPEN_UNCHECKED
                seen = ELSEWHERE;
#else
                seen = base;                                /* [Z1] */
#endif
                if
                :: !cold && seen == ELSEWHERE && said == ELSEWHERE ->
                    atomic {
                        if
                        :: zoneVersion == z -> zone = GAP; zoneVersion++
                        :: else
                        fi
                    }
                :: else
                fi
            :: !moved
            fi
        :: else
        fi;
        cold = 0; moved = 0; mayMove = 0; z = 0; b = 0; said = 0; seen = 0
    :: n >= MOVES -> break
    od
}

/* A range is carved out of the base, with what is in it. */
proctype Carver() {
    byte b, z, said, seen, n;
    bit cold, mayMove, done, named;
    do
    :: n < CARVINGS ->
        n++;
#ifdef COPIED_EARLY
        atomic { b = baseVersion; seen = base };
        atomic { z = zoneVersion; said = zone; cold = frozen };
#else
        atomic { z = zoneVersion; said = zone; cold = frozen };
        atomic { b = baseVersion; seen = base };            /* [Z6] */
#endif
        if
        :: !cold && seen != ELSEWHERE ->
            lookWhetherMayMove();
            atomic {                                        /* copy and freeze, by compare-and-set */
                done = 0;
                if
                :: mayMove && zoneVersion == z ->
                    assert(said == ELSEWHERE);
                    zone = seen; said = seen; frozen = 1; carving = 1; zoneVersion++; z = zoneVersion; done = 1
                :: else
                fi
            };
            if
            :: done ->
                named = 0;
                do                                          /* name */
                :: atomic { b = baseVersion; seen = base };
#ifndef COPIES_UNCOMPARED
                   if
                   :: seen != said -> break
                   :: else
                   fi;
#endif
                   lookWhetherMayMove();
#ifndef NAMED_UNCHECKED
                   if
                   :: !mayMove || zoneVersion != z -> break /* [Z6] */
                   :: else
                   fi;
#endif
                   atomic {
                       if
                       :: baseVersion == b -> base = ELSEWHERE; baseVersion++; named = 1
                       :: else
                       fi
                   };
                   if
                   :: named -> break
                   :: else
                   fi
                od;
                atomic {                                    /* thaw, by compare-and-set */
                    if
#ifdef THAWED_UNCHECKED
                    :: frozen -> frozen = 0; carving = 0; zoneVersion++
#else
                    :: zoneVersion == z -> zone = (named -> said : ELSEWHERE); frozen = 0; carving = 0; zoneVersion++
#endif
                    :: else
                    fi
                }
            :: !done
            fi
        :: else
        fi;
        cold = 0; done = 0; named = 0; mayMove = 0; z = 0; b = 0; said = 0; seen = 0
    :: n >= CARVINGS -> break
    od
}

proctype Evacuator() {
    byte b, z, said, n;
    bit cold, done;
    do
    :: n < EVACUATIONS -> n++; evacuate()
    :: n >= EVACUATIONS -> break
    od
}

/* IntervalTree.find, under a pin. */
proctype Lookup() {
    byte seen, again, said, z, looks, n;
    bit cold;
    do
    :: n < LOOKUPS ->
        n++;
        atomic { pinned = 1; may = 1 << there };
        seen = 3;
        if
        :: true
        :: atomic { said = zone; cold = frozen };           /* where a hint leads */
           if
#ifdef FROZEN_COUNTS
           :: said != ELSEWHERE -> seen = said
#else
           :: !cold && said != ELSEWHERE -> seen = said
#endif
           :: else
           fi
        fi;
        if
        :: seen == 3 ->
            seen = base;
            looks = 1;
            do
            :: seen != ELSEWHERE -> break
            :: seen == ELSEWHERE ->
                atomic { z = zoneVersion; said = zone; cold = frozen };
                if
#ifdef FROZEN_COUNTS
                :: said != ELSEWHERE -> seen = said; break
#else
                :: !cold && said != ELSEWHERE -> seen = said; break
#endif
                :: else
                fi;
                again = base;
                looks++;
                assert(looks <= MOST_LOOKS);
                if
                :: again == ELSEWHERE && (!cold || zoneVersion == z) ->      /* [Z3] */
                    seen = (said == REGION -> REGION : GAP);
                    break
                :: else -> seen = again
                fi
            od
        :: else
        fi;
        assert((may & (1 << seen)) != 0);
        atomic { pinned = 0; pinnedBefore = 0; seen = 0; again = 0; said = 0; z = 0; looks = 0; cold = 0; may = 0 }
    :: n >= LOOKUPS -> break
    od
}

init {
    atomic {
        run Changer();
        run Mover();
#if CARVERS > 0
        run Carver();
#endif
#if CARVERS > 1
        run Carver();
#endif
        run Evacuator();
        run Lookup()
    }
}
