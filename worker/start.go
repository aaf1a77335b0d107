package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"
)

// How often a starting worker asks for Temporal, and says that it does.
const (
	startPoll = 5 * time.Second
	startWord = time.Minute
)

// prepare waits until Temporal answers, makes the namespace ready for jobs and
// returns the installation's name.
func (o Options) prepare(ctx context.Context, known *installationName) (installation string, err error) {
	err = o.untilReached(ctx, func() error {
		installation, err = prepareNamespace(ctx, o.Client, o.Namespace)
		return err
	})
	if err != nil {
		return "", err
	}
	if o.Installation != "" && o.Installation != installation {
		return "", fmt.Errorf("this worker was told to be of installation %q, but namespace %s is installation %q: "+
			"correct --installation (NIGHTSHIFT_INSTALLATION), or the address and namespace", o.Installation, o.Namespace, installation)
	}
	known.set(installation)
	if o.StateFile != "" {
		if err := remember(o.StateFile, installation); err != nil {
			o.Logger.Warn("a worker that starts while Temporal is out of reach will not know whose endpoints to guard", "error", err)
		}
	}
	return installation, o.untilReached(ctx, func() error { return o.installSchedule(ctx) })
}

// untilReached repeats a call for as long as Temporal is out of reach, and says
// so now and then. A worker that gave up instead would take the guard against
// outages with it.
func (o Options) untilReached(ctx context.Context, call func() error) error {
	var told time.Time
	for {
		err := call()
		if err == nil || !outOfReach(err) || ctx.Err() != nil {
			return err
		}
		if time.Since(told) >= startWord {
			told = time.Now()
			o.Logger.Warn("Temporal does not answer; this worker keeps trying", "namespace", o.Namespace, "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(startPoll):
		}
	}
}

// outOfReach reports whether a call found no server that works. What a server
// says of the call, such as that there is no such namespace, is no outage.
func outOfReach(err error) bool {
	if _, ok := errors.AsType[*serviceerror.Unavailable](err); ok {
		return true
	}
	if _, ok := errors.AsType[*serviceerror.DeadlineExceeded](err); ok {
		return true
	}
	return errors.Is(err, context.DeadlineExceeded)
}
