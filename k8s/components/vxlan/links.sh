#!/bin/sh
# Joins this node's bridges gwt-... with those of the other nodes: VXLAN 2 to 8, as the original numbers them, found by multicast
# on the device of the default route (or DEVICE). Takes its links away on SIGTERM, and the bridges that nobody uses any more.
set -eu
device=${DEVICE:-$(ip route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -n 1)}
port=14789 # not 4789 or 8472, which Calico, Cilium and flannel use

up() { # NETWORK VNI
    ip link show "gwt-$1" >/dev/null 2>&1 || ip link add "gwt-$1" type bridge
    ip link show "gwv-$1" >/dev/null 2>&1 ||
        ip link add "gwv-$1" type vxlan id "$2" group "239.0.66.$2" dev "$device" dstport "$port" ttl 8
    ip link set "gwv-$1" mtu 1450 master "gwt-$1" up
    ip link set "gwt-$1" up
}

down() { # NETWORK
    ip link del "gwv-$1"
    [ -n "$(ip link show master "gwt-$1")" ] || ip link del "gwt-$1"
}

sleeping=
leave() {
    [ -z "$sleeping" ] || kill "$sleeping"
    for net in euu sgi s1u s1c s11 s5u s5c; do down $net; done
    exit 0
}
trap leave TERM INT
vni=2
for net in euu sgi s1u s1c s11 s5u s5c; do
    up $net $vni
    vni=$((vni + 1))
done
echo "bridges joined on $device"
while :; do
    sleep 3600 &
    sleeping=$!
    wait $sleeping
done
