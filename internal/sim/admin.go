package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

const (
	ledgerPath = "/sim/ledger"
	faultsPath = "/sim/faults"
)

// mountAdmin mounts what other processes may ask and tell the simulation. It
// asks for no token and counts as no call.
func mountAdmin(c *Cloud) {
	c.mux.HandleFunc("GET "+ledgerPath, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		// An error here is the client's going away.
		_ = json.NewEncoder(w).Encode(c.Ledger())
	})
	c.mux.HandleFunc("POST "+faultsPath, func(w http.ResponseWriter, r *http.Request) {
		var f Fault
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, defaultBodyLimit)).Decode(&f)
		if err == nil {
			err = c.inject(f)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	c.mux.HandleFunc("DELETE "+faultsPath, func(w http.ResponseWriter, r *http.Request) {
		c.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	})
}

func (c *Cloud) inject(f Fault) error {
	if err := f.Validate(); err != nil {
		return err
	}
	if !c.operations[f.Op] {
		known := slices.Sorted(maps.Keys(c.operations))
		return fmt.Errorf("fault operation %q is unknown; known are %s", f.Op, strings.Join(known[1:], ", "))
	}
	c.faults.add(f)
	return nil
}
