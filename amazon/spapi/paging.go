package spapi

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"strings"
	"time"

	"github.com/takebackhq/takeback/amazon"
)

// pageSize is the most that the models allow.
const pageSize = "100"

var errPagesRepeat = errors.New("Amazon answered the same nextToken twice: the list does not end")

// pages makes one sequence of a list that Amazon answers page by page. read is
// given the nextToken of the page before, empty for the first, and returns the
// next one, empty after the last. Nothing of a page is handed on before all of
// it is understood; the first error is the end. Each range begins again from the
// first page.
func pages[T any](c *Client, op operation, a amazon.Account, read func(token string) (page []T, next string, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		seen := map[string]bool{}
		for token := ""; ; {
			page, next, err := read(token)
			if err == nil && seen[next] {
				err = errPagesRepeat
			}
			if err != nil {
				yield(none, c.listError(op, a, err, len(seen)))
				return
			}
			for _, item := range page {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			seen[next] = true
			token = next
		}
	}
}

// listError is the error of a list of which so many pages were read. A list that
// is throttled midway begins again from its first page, so it must not come back
// before there is a token for each page that it has read and for the one that it
// has not.
func (c *Client) listError(op operation, a amazon.Account, err error, read int) error {
	var e *amazon.Error
	if !errors.As(err, &e) {
		return incomplete(op, a, err)
	}
	if _, throttled := amazon.Throttled(err); throttled && e.Op == op.name {
		e.RetryAt = e.RetryAt.Add(time.Duration(read) * c.buckets.bucket(a, op).interval())
	}
	return err
}

// refuse is the sequence of a list that cannot be asked for.
func refuse[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}

// complete collects a sequence: all of it, or its error.
func complete[T any](list iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for item, err := range list {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}

// each converts what a page lists.
func each[W, T any](list []W, convert func(W) (T, error)) ([]T, error) {
	if list == nil {
		return nil, errors.New("page without its list: want one, if an empty one")
	}
	converted := make([]T, len(list))
	for i, item := range list {
		var err error
		if converted[i], err = convert(item); err != nil {
			return nil, err
		}
	}
	return converted, nil
}

// nextOnly returns the parameters of a page where nextToken must be the only one
// of all requests but the first.
func nextOnly(first url.Values, token string) url.Values {
	if token == "" {
		return first
	}
	return url.Values{"nextToken": {token}}
}

// nextToo returns the parameters of a page where the token of the page before
// comes beside those of the first request.
func nextToo(first url.Values, name, token string) url.Values {
	if token == "" {
		return first
	}
	q := maps.Clone(first)
	q.Set(name, token)
	return q
}

// checkCount refuses a list of too few or too many, or with an empty one.
func checkCount[S ~string](what string, values []S, least, most int) error {
	if len(values) < least || len(values) > most {
		return fmt.Errorf("%d %s: want %d to %d", len(values), what, least, most)
	}
	for _, v := range values {
		if v == "" {
			return fmt.Errorf("an empty one among the %s", what)
		}
	}
	return nil
}

// setList sets a parameter to a list, unless there is nothing in it.
func setList[S ~string](q url.Values, name string, values []S) {
	if len(values) == 0 {
		return
	}
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	q.Set(name, strings.Join(words, ","))
}

// setSpan sets the parameters of a span of time; a zero time is left out. Amazon
// is told whole seconds, rounded so that the span does not get shorter.
func setSpan(q url.Values, since string, from time.Time, until string, to time.Time) {
	if !from.IsZero() {
		q.Set(since, format(from))
	}
	if !to.IsZero() {
		q.Set(until, format(roundUp(to)))
	}
}

// roundUp rounds up to a second, as format rounds down.
func roundUp(t time.Time) time.Time { return t.Add(time.Second - 1).Truncate(time.Second) }

// checkSpan refuses a span that ends before it begins; zero times are open ends.
func checkSpan(from, to time.Time) error {
	if !from.IsZero() && !to.IsZero() && to.Before(from) {
		return fmt.Errorf("span from %s to %s: ends before it starts", format(from), format(to))
	}
	return nil
}

// checkPast refuses a time that is not two minutes past, as Amazon does where it
// lists what it still may add to; a zero time is none.
func checkPast(what string, t, now time.Time) error {
	if latest := now.Add(-2 * time.Minute); roundUp(t).After(latest) {
		return fmt.Errorf("%s is %s: want two minutes ago or earlier, %s", what, format(t), format(latest))
	}
	return nil
}
