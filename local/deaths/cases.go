package deaths

import "slices"

// Case is one death at one moment.
type Case struct {
	Provider string
	Death    string // a name of the table in strikes.go
	Moment   string // a name of the table in moments.go
}

// String is unique among cases, and fit for a folder and for choosing cases.
func (c Case) String() string { return c.Provider + "/" + c.Death + "/" + c.Moment }

// Matrix returns every death at every moment that the provider has, in the order
// of the tables.
func Matrix(provider string) []Case {
	a, _ := find(providers, provider)
	var cases []Case
	for _, d := range deaths {
		for _, m := range moments {
			if !m.rents || !a.exists {
				cases = append(cases, Case{provider, d.name, m.name})
			}
		}
	}
	return cases
}

// Few returns the cases that a test run has time for: each death once, and each
// moment more than once.
func Few(provider string) []Case {
	all := Matrix(provider)
	return slices.DeleteFunc(slices.Clone(all), func(c Case) bool {
		d, _ := find(deaths, c.Death)
		if !slices.Contains(all, Case{provider, d.name, d.few}) {
			return c.Moment != "running"
		}
		return d.few != c.Moment
	})
}

// named is a row of one of the tables.
type named interface{ called() string }

func find[T named](table []T, name string) (row T, known bool) {
	i := slices.IndexFunc(table, func(row T) bool { return row.called() == name })
	if i < 0 {
		return row, false
	}
	return table[i], true
}
