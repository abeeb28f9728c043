package redisstore

// Certified is for tests: no server here has a name of its own.
var Certified = certified
