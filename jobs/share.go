package jobs

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
	"time"
)

// Share lets several jobs use one endpoint, at once and one after the other: it
// is rented for the first of them, and released when the last is done and the
// linger is over.
type Share struct {
	// Name is what the jobs that share have in common: lower-case letters, digits
	// and dashes, at most 40. They share if the rest of endpoint is the same too;
	// a job that names the same and wants another shape gets an endpoint of its
	// own, which others of that shape share in turn.
	Name string `yaml:"name" json:"name"`

	// Linger is for how long after this job the endpoint stays for the next. It
	// is billed meanwhile, to no job. Without it the endpoint is released as soon
	// as no job has it.
	Linger Duration `yaml:"linger" json:"linger,omitzero"`

	// Lifetime bounds one rental, 24h unless told otherwise: jobs that are not
	// done by then go on with another. That of the job which is first counts.
	Lifetime Duration `yaml:"lifetime" json:"lifetime,omitzero"`
}

// IsZero reports whether the endpoint is not shared.
func (s Share) IsZero() bool { return s == Share{} }

// DefaultLifetime is how long a shared rental lasts at most.
const DefaultLifetime = 24 * time.Hour

// sharedPrefix begins what stands for a job's id in the name of a shared
// endpoint, and no job's id.
const sharedPrefix = "shared-"

// SharedID stands for a job's id where an endpoint is shared: it is the same for
// all jobs that share it, no job's, and at most [MaxID] long.
//
// Workflows may call it: the same endpoint is written as the same JSON, maps in
// the order of their keys.
//
//workflowcheck:ignore
func (e Endpoint) SharedID() string {
	name := e.Share.Name
	e.Share = Share{}
	shape, err := json.Marshal(e)
	if err != nil { // it is made of texts and numbers only
		panic(fmt.Sprintf("write an endpoint as JSON: %v", err))
	}
	sum := fnv.New64a()
	sum.Write(shape)
	return fmt.Sprintf("%s%s-%08x", sharedPrefix, name, uint32(sum.Sum64()))
}

// IsSharedID reports whether an id is one of [Endpoint.SharedID]'s.
func IsSharedID(id string) bool { return strings.HasPrefix(id, sharedPrefix) }

// checkShare reports what is wrong with how an endpoint is shared.
func (e Endpoint) checkShare(list *problemList, at string) {
	share := e.Share
	if share.IsZero() {
		return
	}
	list.require(validName.MatchString(share.Name) && len(share.Name) <= maxName, at+"share.name",
		"must be lower-case letters, digits and dashes, at most %d", maxName)
	list.require(share.Linger >= 0, at+"share.linger", "must not be negative")
	list.require(share.Lifetime > 0, at+"share.lifetime", "must be longer than zero")
	list.require(share.Linger < share.Lifetime, at+"share.linger", "must be shorter than share.lifetime, which is %s", share.Lifetime.Std())
	list.require(e.IdleStop == 0 || share.Linger < e.IdleStop, at+"idle_stop", "must be longer than share.linger, which is %s", share.Linger.Std())
	list.require(e.Mode == OnEndpoint, at+"share", "cannot be used with mode provider-batch, which has no endpoint")
	list.require(e.ID == "", at+"share", "cannot stand beside id: an endpoint that is there already is one job's at a time")
	list.require(e.ID != "" || e.Release == ReleaseDelete, at+"release", "%q: a shared endpoint is deleted in the end; write delete, or leave it out", e.Release)
}
