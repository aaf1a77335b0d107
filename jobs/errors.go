package jobs

// The closed list of error types that a job can end with. They are the types
// of Temporal's application errors, and the codes in reports.
const (
	InvalidInput        = "InvalidInput"        // the input breaks the format; nothing was rented
	EndpointRefused     = "EndpointRefused"     // the provider does not offer the endpoint as asked for
	Unauthorized        = "Unauthorized"        // a token is missing or wrong, for the control plane or the endpoint
	NoCapacity          = "NoCapacity"          // the provider has no such GPU to give now
	WarmupLimit         = "WarmupLimit"         // the endpoint did not answer within limits.warmup
	EndpointLost        = "EndpointLost"        // the endpoint failed or vanished, and so did its replacements
	EndpointUnconfirmed = "EndpointUnconfirmed" // the provider has not confirmed that the endpoint is off
	InputChanged        = "InputChanged"        // an input object is no longer the one that was planned
	BucketDenied        = "BucketDenied"        // the object store refuses to read or write
	NoInput             = "NoInput"             // no input object exists
	OutputTaken         = "OutputTaken"         // the output belongs to another job; nothing was rented
	DiskFull            = "DiskFull"            // a worker's disk, or the object store, takes nothing more; nothing was rented
	NotFound            = "NotFound"            // an object or bucket does not exist
	DeadlineReached     = "DeadlineReached"     // limits.deadline passed
	BudgetReached       = "BudgetReached"       // limits.gpu_minutes or limits.cost was used up
	OrderRefused        = "OrderRefused"        // a pause or resume that makes no sense now; never how a job ends
	Internal            = "Internal"            // a defect of nightshift itself
	Temporary           = "Temporary"           // worth another try; never how a job ends
)
