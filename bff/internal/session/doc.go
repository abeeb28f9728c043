// Package session holds the sessions of signed-in browsers: the stored record,
// rotation (decide), refresh and its limits, revocations, receipts, and
// authentication by the two tokens.
//
// It knows no password, no user database, no HTTP and no Redis. Package
// sessiontest holds the contract that every Store must pass.
package session
