package sim

// serveOwn starts the models that are always served. Their replicas take
// requests as rented ones do, but neither plane nor ledger sees them.
func (c *Cloud) serveOwn() {
	at := c.options
	at.WarmUp = 0
	for _, model := range c.options.Served {
		e := newEndpoint(spec{provider: "static", id: model, key: model, bounds: Range{1, 1}}, &at, 0)
		c.served = append(c.served, e)
		c.keys[model] = e
	}
}

// asksNoToken reports whether a plane asks for no token: a server of one's own has
// none until it is given one.
func (c *Cloud) asksNoToken(p *plane) bool {
	return p.group == AnyData && len(c.served) > 0 && c.options.Token == ""
}
