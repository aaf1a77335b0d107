package bucket_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path"

	"github.com/nightshift-run/nightshift/internal/bucket"
)

func Example() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "bucket")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	store, err := bucket.New(ctx, bucket.Options{})
	if err != nil {
		log.Fatal(err)
	}
	base := "file://" + folder // or s3://bucket/prefix

	w, err := store.Create(ctx, bucket.Join(base, "answers", "output.jsonl"), "application/jsonl")
	if err != nil {
		log.Fatal(err)
	}
	defer w.Abort()
	for i := range 3 {
		fmt.Fprintf(w, `{"custom_id":"request-%d"}`+"\n", i)
	}
	if _, err := w.Commit(ctx); err != nil {
		log.Fatal(err)
	}

	for object, err := range store.List(ctx, base+"/") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(path.Base(object.URL), object.Size, "bytes")
	}
	// Output: output.jsonl 78 bytes
}
