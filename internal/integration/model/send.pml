/*
 * Sending, takeover and adoption: how a refund reaches Amazon at most once.
 *
 * This is a model for the checker spin, which tries every order of steps.
 * send_test.go runs it, as it stands and without each of its rules. By hand:
 *
 *     spin -a send.pml && gcc -DSAFETY -O2 -o pan pan.c && ./pan
 *     spin -a -DNO_FENCE send.pml && gcc -DSAFETY -DBFS -o pan pan.c && ./pan; ./pan -r -n
 *
 * The second looks for the shortest way to an error, and tells it.
 *
 * WHAT IS MODELLED
 *
 * Two workers of one account and feed type. Each may stop for any time between
 * two steps while the other goes on, or crash there and begin again, knowing
 * nothing. There is no lease: a worker that was suspended still believes that it
 * has one, so the rules must do without.
 *
 * Two requests. A batch is one attempt of one request. What was not sent is sent
 * anew by itself, once; after that a person decides.
 *
 * A store with compare-and-set: a save works only when none of its rows was saved
 * by the other since it was read. Its answer may be lost although it worked.
 *
 * Amazon. A createFeed is on the wire for any time, also after its worker has
 * given it up, or for ever. It has effect if its access token is valid when it
 * arrives. Or it is refused without effect, as by a 429, an expired token or a
 * connection that fails. Either answer may be lost. getFeeds lists a feed some
 * time after it was created, at the latest when the visibility margin is over.
 * With -DSTRANGER another application sends one feed of the type, at any time.
 *
 * Time, in ticks of Amazon's clock. A token is valid for one tick, the margin is
 * one tick. Within a tick any number of steps may be taken, in any order. The
 * clock stops at tick 4, which is time for both attempts of a request to be lost
 * and settled; the rest goes on until nothing is left to do.
 *
 * WHAT IS LEFT OUT
 *
 * Amounts and reservations; several requests in a document; the bucket; uploads
 * that fail; wrong clocks; what reports say, but for one that names a stranger's
 * feed; and what persons decide. A claim is one step, and a look at getFeeds sees
 * all its pages at one moment.
 *
 * WHAT MUST HOLD
 *
 * Not paid_twice: no request has effect twice.
 * Not wrong_adoption: no batch adopts the feed of another request.
 * Not lost: when nothing is left to do, each request is paid and said to be, or
 * stands open where a person sees it. Adopted is open, until evidence comes.
 */

#ifndef TOKEN
#define TOKEN 1  /* for how many ticks an access token is valid */
#endif
#ifndef MARGIN
#define MARGIN 1 /* after how many ticks a feed is listed, at the latest */
#endif
#ifndef LAST
#define LAST 4   /* the tick at which the clock stops */
#endif

/* Batches 0 and 1 are the first attempts of requests 0 and 1, batches 2 and 3
   the second ones. Feeds 0 and 1 come of requests 0 and 1; feed 2 is a
   stranger's. */
#define request(b) ((b) % 2)

#define NOBODY  255
#define SEVERAL 254

/* What a batch may be. Adopted is sent, as far as one can tell; undecided waits
   for a person. */
mtype = { none, unsent, submitting, unknown, adopted, sent, notsent, undecided };

/* What a createFeed may be answered. */
mtype = { silence, accepted, refused };

/* The store. */
mtype state[4] = none;
byte attempted[4];       /* when the batch was uploaded, and its token fetched */
byte holder[4] = NOBODY; /* the worker whose commit gave the right to send */
byte owner[3] = NOBODY;  /* the batch that a feed belongs to */

/* The rows that a worker has read and means to save, as bits; 0 from the moment
   at which the other has saved one of them. */
byte watch[2];

/* Amazon, and the way there. */
byte wire[4];            /* how many createFeeds of a batch are on the wire */
byte waits[2] = NOBODY;  /* the batch whose answer a worker waits for */
mtype answer[2] = silence;
bool created[3];
byte since[3];           /* when the feed was created */
bool listed[3];
byte now;

bool paid_twice, wrong_adoption, lost;

/*
 * The rules, and what is done without them.
 */

#define fence(b) (attempted[b] + TOKEN)

#ifdef NO_CAS            /* a save overwrites what others have saved */
#define won true
#else
#define won (watch[me] != 0)
#endif

#ifdef NO_RAISE          /* the commit to send leaves other unsent batches as they are */
#define rivals 0
#else
#define rivals ((state[0] == unsent) | (state[1] == unsent) << 1 | (state[2] == unsent) << 2 | (state[3] == unsent) << 3)
#endif

#if defined(NO_TAKEOVER) /* a batch in Submitting is left to its sender */
#define deserted(b) false
#else                    /* with SEND_FOUND, whoever finds one sends it */
#define deserted(b) (state[b] == submitting)
#endif

#ifdef NO_BOUND_TOKEN    /* createFeed takes the token that is valid when it is called */
#define valid(b) true
#else
#define valid(b) (now < fence(b))
#endif

#ifdef REPEATED_POST     /* something below us repeats the request */
#define delivered 0
#else
#define delivered 1
#endif

#ifdef ANY_ANSWER        /* an answer counts for its batch, whoever sends that by now */
#define mine(b) true
#else
#define mine(b) (holder[b] == me)
#endif

/* A batch whose own createFeed may be on the wire, as far as its state tells. */
#define unanswered(b) (state[b] == submitting || state[b] == unknown || state[b] == adopted || state[b] == undecided)

#ifdef ADOPTION_LIFTS_FENCE /* what was found, or left to a person, is waited for no longer */
#define awaited(b) (state[b] == submitting || state[b] == unknown)
#else
#define awaited(b) unanswered(b)
#endif

#ifdef NO_WAIT           /* createFeed is called inside the fence of a lost one */
#define inside(b, at) false
#else
#define inside(b, at) (awaited(b) && at < fence(b))
#endif
#define fenced(at) (inside(0, at) || inside(1, at) || inside(2, at) || inside(3, at))

#if defined(NO_FENCE)    /* what is not found was not sent */
#define conclusive(b) true
#elif defined(NO_MARGIN) /* what is not found after the fence was not sent */
#define conclusive(b) (now >= fence(b))
#else
#define conclusive(b) (now >= fence(b) + MARGIN)
#endif

#ifdef FIRST_PAGE        /* a look may miss what getFeeds lists */
#define complete false
#else
#define complete true
#endif

#ifdef NO_WINDOW         /* feeds of any time are adopted */
#define within(f, b) true
#else
#define within(f, b) (attempted[b] <= since[f] && since[f] < fence(b))
#endif

#ifdef NO_OWNER          /* feeds of other batches are adopted */
#define unclaimed(f) true
#else
#define unclaimed(f) (owner[f] == NOBODY)
#endif

#define fits(f, b) (listed[f] && unclaimed(f) && within(f, b))
#define fitting(b) (fits(0, b) + fits(1, b) + fits(2, b))

/*
 * A worker. Each atomic is one call of the store or of Amazon. Between two of
 * them it may stop, and instead of each it may crash.
 */

#define me    _pid
#define other (1 - _pid)

/* any is a choice among the batches b that a condition is true of. */
#define any(condition) if :: condition(0) -> b = 0 :: condition(1) -> b = 1 :: condition(2) -> b = 2 :: condition(3) -> b = 3 fi

#define row(b)     (1 << (b))
#define save(rows) watch[other] = ((watch[other] & (rows)) != 0 -> 0 : watch[other])
#define become(s)  state[b] = s; save(row(b))

/* take makes a feed that of batch b. When it was created and listed matters no
   longer; forgetting it keeps the states few. */
#define take(f)   owner[f] = b; since[f] = 0; listed[f] = true
#define release() owner[2] = (owner[2] == b -> SEVERAL : owner[2])

/* stop ends what the worker is about: it is done, it lost a compare-and-set, it
   must wait, or it crashed. */
inline stop() {
	holder[b] = (holder[b] == me -> NOBODY : holder[b]);
	watch[me] = 0; waits[me] = NOBODY; answer[me] = silence;
	b = 0; at = 0; found = 0; heard = silence
}

/* Request 0 is claimed first. The requests are alike, so nothing is lost by that. */
#define claimable(b) (state[b] == none && (b == 0 || b == 1 && state[0] != none || b >= 2 && state[request(b)] == notsent))
#define sendable(b)  (state[b] == unsent && !fenced(now))
#define lookable(b)  (state[b] == unknown && (fitting(b) > 0 || conclusive(b)))

active [2] proctype worker() {
	byte b, at, found;
	mtype heard = silence;

end_idle:
	if
	:: atomic {
		any(claimable) ->
		printf("worker %d claims request %d as batch %d\n", me, request(b), b);
		become(unsent); b = 0; goto end_idle }
	:: atomic {
		any(sendable) ->
		printf("worker %d uploads batch %d, with a token until %d\n", me, b, now + TOKEN);
		watch[me] = row(b); at = now; goto uploaded }
	:: atomic {
		any(deserted) ->
#ifdef SEND_FOUND
		printf("worker %d finds batch %d submitting, and sends it\n", me, b);
		goto sending
#else
		printf("worker %d finds batch %d submitting: unknown\n", me, b);
		become(unknown); b = 0; goto end_idle
#endif
		}
	:: atomic {
		any(lookable) ->
		printf("worker %d looks for batch %d\n", me, b);
		watch[me] = row(b);
		if
		:: (fitting(b) == 0 || !complete) && conclusive(b) -> found = NOBODY
		:: fitting(b) > 0 -> found = (fitting(b) > 1 -> SEVERAL : (fits(0, b) -> 0 : (fits(1, b) -> 1 : 2)))
		fi;
		goto looked }
#ifdef STRANGER
	:: atomic {
		owner[2] < SEVERAL -> b = owner[2];
		printf("worker %d reads that feed 2 is not of batch %d: unknown\n", me, b);
		release(); become(unknown); b = 0; goto end_idle }
#endif
	fi;

uploaded: /* Save it, and read the other batches: nothing between the two matters. */
	if
	:: atomic {
		won && !fenced(at) ->
		attempted[b] = at; at = 0; save(row(b)); watch[me] = row(b) | rivals }
	:: atomic { stop(); goto end_idle }
	fi;

	/* Commit the right to send, once. */
	if
	:: atomic {
		won ->
		printf("worker %d commits batch %d\n", me, b);
		state[b] = submitting; holder[b] = me; save(watch[me] | row(b)); watch[me] = 0 }
	:: atomic { stop(); goto end_idle }
	fi;

sending:
	if
	:: atomic {
		printf("worker %d calls createFeed with batch %d\n", me, b);
		wire[b]++; waits[me] = b }
	:: atomic { stop(); goto end_idle }
	fi;

	if
	:: atomic { answer[me] != silence -> heard = answer[me]; answer[me] = silence; waits[me] = NOBODY }
	:: atomic {
		printf("worker %d hears nothing of batch %d\n", me, b);
		answer[me] = silence; waits[me] = NOBODY }
	:: atomic { stop(); goto end_idle }
	fi;

learning: /* Whatever became of the batch meanwhile. */
	if
	:: atomic {
		if
		:: heard == accepted && unanswered(b) && mine(b) ->
			printf("worker %d saves that batch %d was sent\n", me, b);
			release(); take(request(b)); become(sent); holder[b] = NOBODY; attempted[b] = 0
		:: heard == refused && unanswered(b) && mine(b) ->
			printf("worker %d saves that batch %d was refused: unsent\n", me, b);
			release(); become(unsent); holder[b] = NOBODY; attempted[b] = 0
		:: heard == silence && state[b] == submitting && mine(b) ->
			printf("worker %d saves that batch %d is unknown\n", me, b);
			become(unknown)
		:: else
		fi;
		if
		:: stop(); goto end_idle
		:: goto learning /* the answer of the save was lost */
		fi }
	:: atomic { stop(); goto end_idle }
	fi;

looked:
	if
	:: atomic {
		won && found == NOBODY ->
		printf("worker %d saves that batch %d was not sent\n", me, b);
		become(notsent); holder[b] = NOBODY; attempted[b] = 0; stop(); goto end_idle }
	:: atomic {
		won && found <= 2 && unclaimed(found) ->
		printf("worker %d adopts feed %d for batch %d\n", me, found, b);
		wrong_adoption = (found < 2 && found != request(b)); assert(!wrong_adoption);
		take(found); become(adopted); stop(); goto end_idle }
#ifdef STRANGER
	:: atomic {
		won && found == SEVERAL ->
		printf("worker %d leaves batch %d to a person\n", me, b);
		become(undecided); stop(); goto end_idle }
#endif
	:: atomic { stop(); goto end_idle }
	fi
}

/*
 * Amazon, and the wire.
 */

#define flying(b)   (wire[b] > 0)
#define arriving(b) (flying(b) && valid(b))

#define reply(what) \
	answer[0] = (waits[0] == b -> what : answer[0]); \
	answer[1] = (waits[1] == b -> what : answer[1])

#define create(f) created[f] = true; since[f] = now
#define list(f)   created[f] && !listed[f] -> printf("Amazon lists feed %d\n", f); listed[f] = true

active proctype amazon() {
	byte b;

end_idle:
	if
	:: atomic {
		any(arriving) ->
		printf("Amazon accepts batch %d, and pays request %d\n", b, request(b));
		paid_twice = created[request(b)]; assert(!paid_twice);
		create(request(b)); wire[b] = wire[b] - delivered; reply(accepted); b = 0 }
	:: atomic {
		any(flying) ->
		printf("Amazon refuses batch %d, or never sees it\n", b);
		wire[b]--; reply(refused); b = 0 }
	:: atomic { list(0) }
	:: atomic { list(1) }
#ifdef STRANGER
	:: atomic { list(2) }
	:: atomic { !created[2] -> printf("Amazon accepts feed 2 of a stranger\n"); create(2) }
#endif
	fi;
	goto end_idle
}

#define overdue(f) (created[f] && !listed[f] && now >= since[f] + MARGIN)

/* expire takes from the wire what can have neither effect nor answer any more. */
#define expire(b) wire[b] = (valid(b) || waits[0] == b || waits[1] == b -> wire[b] : 0)

active proctype clock() {
end_idle:
	atomic {
		now < LAST && !overdue(0) && !overdue(1) && !overdue(2) ->
		now++; printf("It is %d\n", now);
		expire(0); expire(1); expire(2); expire(3) };
	goto end_idle
}

#define seen(b) (state[b] == unsent || state[b] == unknown || state[b] == adopted || state[b] == undecided || \
	state[b] == sent && created[request(b)] || state[b] == notsent && b >= 2)

active proctype rest() {
	timeout -> lost = !(seen(0) || seen(2)) || !(seen(1) || seen(3)); assert(!lost)
}
