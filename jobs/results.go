package jobs

// Results is how a job's results are put into files.
type Results struct {
	// Split bounds a file of results, in bytes before compression; 0 is no
	// bound. With it the files are called output-00001.jsonl and so on. A line
	// that is longer has a file to itself.
	Split Size `yaml:"split" json:"split,omitzero"`

	// Compression of the files, which then end in .gz or .zst; empty is none.
	Compression Compression `yaml:"compression" json:"compression,omitempty"`
}

// Compression is a way to compress files of results.
type Compression string

// The ways to compress.
const (
	Uncompressed Compression = "none" // as is the empty one
	Gzip         Compression = "gzip"
	Zstd         Compression = "zstd"
)

// OutputPolicy says what a job does when there are results of another job in
// the place of its own. The results of a job that it resumes from are not in
// the way.
type OutputPolicy string

// The policies; the empty one refuses.
const (
	RefuseOutput  OutputPolicy = "refuse"  // the job ends before anything is rented
	ReplaceOutput OutputPolicy = "replace" // they stay until the new ones take their place
)

// minSplit keeps the number of files within reason, in bytes.
const minSplit = 64 << 10

// checkResults reports what is wrong with where results go and what they are
// made of.
func (s Spec) checkResults(list *problemList) {
	switch s.OutputExists {
	case "", RefuseOutput, ReplaceOutput:
	default:
		list.require(false, "output_exists", "%q must be refuse or replace", s.OutputExists)
	}
	switch s.Results.Compression {
	case "", Uncompressed, Gzip, Zstd:
	default:
		list.require(false, "results.compression", "%q must be gzip, zstd or none", s.Results.Compression)
	}
	list.require(s.Results.Split == 0 || s.Results.Split >= minSplit, "results.split", "must be at least 64KiB")
	for _, earlier := range s.ResumeFrom {
		list.require(isObjectURL(earlier) || CheckID(earlier) == nil, "resume_from",
			"%q must be the id of an earlier job, or its output: s3://bucket/prefix/ or file:///path/", earlier)
	}
}
