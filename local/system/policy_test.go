package system

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/local/stack"
)

// The S3 server's account without any right of its own.
const (
	guestKey    = "guest"
	guestSecret = "guest-of-the-tests"
)

// statement of an S3 policy.
type statement struct {
	Effect    string
	Principal any `json:",omitempty"`
	Action    any
	Resource  any
}

// documentedPolicy is the least that a worker must be allowed, as
// docs/production.md says.
func documentedPolicy(t *testing.T) []statement {
	t.Helper()
	text, err := os.ReadFile(root + "docs/production.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "```json\n{\n  \"Version\": \"2012-10-17\"")
	body, _, found := strings.Cut(after, "```")
	var policy struct{ Statement []statement }
	if err := json.Unmarshal([]byte(`{"Version": "2012-10-17"`+body), &policy); err != nil || !found {
		t.Fatalf("the policy of docs/production.md: %v", err)
	}
	return policy.Statement
}

func strs(value any) (list []string) {
	if one, ok := value.(string); ok {
		return []string{one}
	}
	for _, one := range value.([]any) {
		list = append(list, one.(string))
	}
	return list
}

// allow gives the guest what the statements say about a bucket, except for one
// action. The policy of a bucket, unlike that of a user, names who is meant.
func allow(t *testing.T, name string, statements []statement, except string) {
	t.Helper()
	var own []statement
	for _, s := range statements {
		var resources, actions []string
		for _, resource := range strs(s.Resource) {
			if resource == "arn:aws:s3:::"+name || strings.HasPrefix(resource, "arn:aws:s3:::"+name+"/") {
				resources = append(resources, resource)
			}
		}
		for _, action := range strs(s.Action) {
			if action != except {
				actions = append(actions, action)
			}
		}
		if len(resources) > 0 && len(actions) > 0 {
			own = append(own, statement{s.Effect, map[string]string{"AWS": guestKey}, actions, resources})
		}
	}
	policy, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": own})
	if err != nil {
		t.Fatal(err)
	}
	client := s3.New(s3.Options{
		BaseEndpoint: aws.String(objects.Endpoint()), Region: objects.Region(), UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: objects.AccessKey(), SecretAccessKey: objects.SecretKey()}, nil
		}),
	})
	if _, err := client.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &name, Policy: aws.String(string(policy))}); err != nil {
		t.Fatalf("policy %s: %v", policy, err)
	}
}

// TestPolicy_LeastPrivilege runs a job whose worker may do what the documented
// policy allows, and nothing else; then takes each right away, and shows that
// something which jobs do is refused.
func TestPolicy_LeastPrivilege(t *testing.T) {
	t.Parallel()
	policy := documentedPolicy(t)
	for _, name := range []string{"prompts", "answers"} {
		allow(t, name, policy, "")
	}
	f := newFixture(t, stack.Options{NoWorker: true})
	worker := f.command("worker")
	worker.Env = append(worker.Env, "AWS_ACCESS_KEY_ID="+guestKey, "AWS_SECRET_ACCESS_KEY="+guestSecret)
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(worker) })
	spec := f.spec(2000)
	input, err := readAll(f.Store, spec.Input[0])
	if err != nil {
		t.Fatal(err)
	}
	spec.Input[0], spec.Output = "s3://prompts/in.jsonl", "s3://answers/out/"
	f.put(spec.Input[0], input)
	f.completed(f.await(f.submit(spec)))
	if kinds := f.conserved(spec); kinds["ok"] != 2000 {
		t.Errorf("result lines: %v", kinds)
	}
	f.nothingRuns()
	refusals(t, policy)
}

// refusals tries, as the guest, what each right is for.
func refusals(t *testing.T, policy []statement) {
	t.Helper()
	ctx := context.Background()
	guest, err := bucket.New(ctx, bucket.Options{Endpoint: objects.Endpoint(), Region: objects.Region(), AccessKey: guestKey, SecretKey: guestSecret})
	if err != nil {
		t.Fatal(err)
	}
	read := func(url string) error { _, err := readAll(guest, url); return err }
	put := func(url string) error { _, err := guest.Put(ctx, url, []byte("x"), bucket.PutOptions{}); return err }
	list := func(url string) error {
		for _, err := range guest.List(ctx, url) {
			return err
		}
		return nil
	}
	drop := func(url string) error { return guest.Delete(ctx, url) }
	if err := put("s3://prompts/mine.jsonl"); !errors.Is(err, bucket.ErrDenied) {
		t.Errorf("writing prompts: %v, want a refusal", err)
	}
	for _, test := range []struct {
		bucket, action string
		do             func(string) error
		url            string
	}{
		{"prompts", "s3:GetObject", read, "s3://prompts/in.jsonl"},
		{"prompts", "s3:ListBucket", list, "s3://prompts/"},
		{"answers", "s3:GetObject", read, "s3://answers/out/report.json"},
		{"answers", "s3:PutObject", put, "s3://answers/x"},
		{"answers", "s3:ListBucket", list, "s3://answers/"},
		{"answers", "s3:DeleteObject", drop, "s3://answers/x"},
	} {
		if err := test.do(test.url); err != nil {
			t.Errorf("%s with %s: %v", test.url, test.action, err)
		}
		allow(t, test.bucket, policy, test.action)
		if err := test.do(test.url); !errors.Is(err, bucket.ErrDenied) {
			t.Errorf("%s without %s: %v, want a refusal", test.url, test.action, err)
		}
		allow(t, test.bucket, policy, "")
	}
}

func readAll(store *bucket.Store, url string) ([]byte, error) {
	reader, err := store.Open(context.Background(), url, bucket.ReadOptions{})
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return io.ReadAll(reader)
}
