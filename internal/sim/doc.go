// Package sim is a simulated GPU cloud over real HTTP: control planes in the
// shapes of the providers, an OpenAI-compatible data plane, a ledger of what
// was rented and what it cost, and faults on demand. Tests end by asking the
// ledger whether anything still runs; people try their pipelines on it for
// nothing.
//
//	cloud := sim.New(sim.Options{Model: sim.Typical()})
//	defer cloud.Close()
//	server := httptest.NewServer(cloud)
//	...
//	if running := cloud.Ledger().Running(); len(running) > 0 { ... }
//
// # Time
//
// An endpoint is a small discrete-event simulation that runs against the
// clock (timeline.go): replicas arrive and leave, streams finish, each at a
// time that is known in advance. Every call first plays what was due before
// it, each thing at its own time, and a timer plays it when no call comes. So
// the ledger is exact to the nanosecond however late a timer fires, nothing
// runs in the background, and testing/synctest controls it all. Ids, keys and
// answers are functions of the calls and nothing else; only times come from
// the clock.
//
// # Replicas
//
// A replica serves n streams by continuous batching (batch.go): each at full
// speed up to Model.Knee, beyond which they share what the replica can do, so
// that its throughput saturates and latency grows. Above Model.MaxStreams
// requests queue at the endpoint. A request goes to the ready replica with the
// fewest streams. Replicas are added as soon as the load asks for more than
// Knee per replica, arrive a warm-up later, and are given back one at a time
// when the load has been low for as long. A client that goes away frees its
// place at once.
//
// # Money
//
// A replica is billed from the moment it is ready until it is asked to go, by
// disable, delete, scaling down or a fault that kills it. Warming up and
// draining are free. The first of several replicas is billed while the others
// are still on their way.
//
// # Faults
//
// A [Fault] names an operation and a kind. A kind is one line of the table in
// behaviour.go, which says what happens before, after and instead of sending
// the reply; it works alike on every operation of every plane. An operation
// returns its reply as a value, and only then it is sent: that is what lets a
// fault lose, cut or alter it.
//
// # Batches
//
// The providers' own Batch APIs (batches.go) need no endpoint: files and
// batches lie in memory, within [BatchOptions].Storage, a batch is a function of
// the time since it was made, and its answers are those that the data plane gives
// to the same requests. The ledger lists them, see [Ledger.RunningBatches]. To
// add a provider, add a line to batchDialects. Together's API has the paths
// of Nebius's and lies below /together, as the rest of Together may: see [Path].
//
// # How to add a provider's control plane
//
// Write a file with a type that keeps what the provider shows beside the core,
// and a mount function that joins [controlPlanes] in cloud.go. It makes a plane
// (the shape of an error, its words for no capacity, how to find the endpoint
// that a request concerns) and mounts each operation with Cloud.handle; an
// operation takes a call and returns a reply. call.open rents from the core;
// endpoint.start, stop, remove, scale and refit drive it; endpoint.look tells
// the [State] to translate into the provider's words, where a word without
// translation is shown as it is. Nothing of the core, the data plane, the
// ledger or the faults knows a provider. nebius.go is the example, and
// fastapi.go serves every provider whose errors have that shape. pause.go is for
// providers that stop an idle endpoint by themselves; lyceum.go uses it.
// together.go is a control plane with more than one kind of object: what costs
// nothing is its own affair and not in the ledger, and Cloud.route says where the
// data plane sends a "model".
//
// # Limits
//
// The data plane does not stream. An endpoint stays in memory, with about a
// kilobyte, for as long as its cloud: the ledger forgets nothing. Request
// bodies are told apart up to four million.
package sim
