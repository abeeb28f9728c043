// Package session holds the sessions of signed-in browsers: the stored record,
// rotation (decide), refresh and its limits, revocations, acknowledgements
// (acks), and authentication by the two tokens.
//
// Where to look: parentGrace in rotation.go is the 15 s grace of a parent token;
// Deps.OnRevocation closes live connections on a revocation.
//
// The package knows no password, no user database, no HTTP and no Redis. It
// declares ports for what it needs (Store, Revocations, Accounts, Recorder,
// Limiter); package sessiontest holds the contract that every Store must pass.
package session
