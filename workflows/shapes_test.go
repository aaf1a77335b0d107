package workflows

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/jobs"
)

// shapes is the JSON of one value of every type that lives in histories, each
// field filled in.
func shapes(t *testing.T) string {
	t.Helper()
	values := map[string]any{}
	for _, value := range []any{
		BatchInput{}, jobs.Report{}, EndpointInput{}, EndpointRequest{}, Dismissal{}, RentalNews{}, PlanCall{}, Plan{},
		CheckCall{}, Terms{}, EndpointAsked{}, CreateCall{}, EndpointCreated{}, AwaitCall{}, EndpointReady{}, EndpointBeat{}, TendCall{}, Tended{}, ReleaseCall{}, EndpointReleased{},
		ShardCall{}, ShardDone{}, ShardBeat{}, CollectCall{}, Collected{}, Progress{}, Pause{},
		SweepCall{}, SweepDone{}, NightlyInput{}, NightlyDone{}, NoticeCall{},
		GuardCall{}, Sharing{}, ClaimCall{}, Claimed{}, ReuseCall{}, Reused{},
	} {
		filled := reflect.New(reflect.TypeOf(value)).Elem()
		fillIn(filled)
		values[filled.Type().String()] = filled.Interface()
	}
	text, err := json.MarshalIndent(values, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}

// fillIn gives every field a value that is not its zero.
func fillIn(value reflect.Value) {
	switch value.Interface().(type) {
	case time.Time:
		value.Set(reflect.ValueOf(time.Unix(1, 0).UTC()))
		return
	case jobs.Money:
		value.Set(reflect.ValueOf(jobs.Money{Amount: 1, Currency: "USD"}))
		return
	case json.RawMessage:
		value.SetBytes([]byte("1"))
		return
	}
	switch value.Kind() {
	case reflect.String:
		value.SetString("x")
	case reflect.Int, reflect.Int64:
		value.SetInt(1)
	case reflect.Float64:
		value.SetFloat(1)
	case reflect.Bool:
		value.SetBool(true)
	case reflect.Pointer:
		value.Set(reflect.New(value.Type().Elem()))
		fillIn(value.Elem())
	case reflect.Map:
		key, item := reflect.New(value.Type().Key()).Elem(), reflect.New(value.Type().Elem()).Elem()
		fillIn(key)
		fillIn(item)
		value.Set(reflect.MakeMap(value.Type()))
		value.SetMapIndex(key, item)
	case reflect.Slice:
		value.Set(reflect.MakeSlice(value.Type(), 1, 1))
		fillIn(value.Index(0))
	case reflect.Struct:
		for i := range value.NumField() {
			fillIn(value.Field(i))
		}
	}
}
