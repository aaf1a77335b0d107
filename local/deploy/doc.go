// Package deploy holds the tests of what puts nightshift on servers: the
// compose file and the Dockerfile at the top of the repository.
package deploy
