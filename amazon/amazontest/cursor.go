package amazontest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"
)

// arguments reads a query whose parameters each stand once and say something.
func arguments(values url.Values, known ...string) (map[string]string, error) {
	args := map[string]string{}
	for name, given := range values {
		switch {
		case !slices.Contains(known, name):
			return nil, fmt.Errorf("%s: unknown parameter", name)
		case len(given) > 1:
			return nil, fmt.Errorf("%s is given %d times; separate its values by commas", name, len(given))
		case given[0] == "":
			return nil, fmt.Errorf("%s is empty", name)
		}
		args[name] = given[0]
	}
	return args, nil
}

// cursorLife is how long the token for a next page can be used (Orders API; the
// Finances API does not say).
const cursorLife = 24 * time.Hour

// cursor is how far a caller has read a list whose next page is asked for with a
// token beside the arguments of the first call, as Orders and Finances do.
type cursor struct {
	Args    string    // those arguments
	Until   time.Time // where the list ends, as the first call understood it
	After   string    // the key of the last entry that was read; empty: none
	Expires time.Time
}

// resume takes the token out of a call's arguments. Without one the cursor
// stands at the beginning.
func resume(args url.Values, tokenName string, now time.Time) (cursor, error) {
	given, token := args.Has(tokenName), args.Get(tokenName)
	args.Del(tokenName)
	if !given {
		return cursor{Args: args.Encode()}, nil
	}
	var c cursor
	raw, err := base64.StdEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	switch {
	case err != nil || c.After == "":
		return cursor{}, errors.New(tokenName + " is not one that this server gave")
	case c.Args != args.Encode():
		return cursor{}, errors.New(tokenName + " goes with other arguments: repeat those of the call that gave it")
	case !now.Before(c.Expires):
		return cursor{}, errors.New(tokenName + " has expired")
	}
	return c, nil
}

// next is the token for the page that begins behind a key.
func (c cursor) next(after string, until, now time.Time) string {
	c.After, c.Until, c.Expires = after, until, now.Add(cursorLife)
	raw, err := json.Marshal(c)
	if err != nil {
		return "" // cannot be: text and times of a sane year
	}
	return base64.StdEncoding.EncodeToString(raw)
}
