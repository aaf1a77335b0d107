// Package togetherv1 drives Together AI's dedicated endpoints over version 1
// of its control plane, which the service has closed to new endpoints: package
// together is its successor. It lists, describes, stops and deletes what is
// still there, and creates where creating is still open.
//
// What is particular about it:
//
//   - Today the service answers a create, and the start of what is stopped,
//     with 403 and the code endpoints_v1_create_access_disabled. That is
//     Refused, not Unauthorized: no other token would help. An endpoint that is
//     stopped does not come back.
//   - The listing lacks display name, hardware and autoscaling, so that List
//     completes each of the account's own dedicated endpoints with a call of
//     its own: one call more for each endpoint, four at a time. Describe needs
//     one call in all. The listing has no pages.
//   - An endpoint is Gone when the call for it answers 404 and the listing
//     agrees: a 404 alone can come from anything between here and the service.
//   - Hardware is one word for the GPU and how many of them, such as
//     1x_nvidia_h100_80gb_sxm, with a price for the whole of it. Shape.GPU is
//     either that word, or the word without its beginning and the count.
//   - Ready replicas are not told: an endpoint that is STARTED is taken to have
//     the fewest that it was asked for.
//   - The service stops an idle endpoint by itself, after whole minutes, if
//     Shape.IdleStop says so.
//   - Requests name the endpoint's name as their model, not its id or display
//     name. Names need not be unique, and create knows no idempotency key.
package togetherv1
