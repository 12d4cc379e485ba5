/** Coppice's etcd API beside a real etcd: the same requests to both, and the answers compared. */
@org.jspecify.annotations.NullMarked
package dev.coppice.acceptance.etcd;
