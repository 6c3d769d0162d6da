#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a BMC does to its machine. ipmi_sim calls: chassis.sh DIR HOST get NAME.. | set NAME VALUE.. | check NAME VALUE
# A reading costs two reads of files; switching is left to machine.py.
DIR=$1
HOST=$2
op=$3
shift 3
read -r mode <"$DIR/hosts/$HOST/bmc_mode"
read -r target <"$DIR/hosts/$HOST/bmc_target"
read -r delay <"$DIR/hosts/$HOST/bmc_off_delay"

case $op in
get)
	for name; do
		case $name in
		power)
			read -r power <"$DIR/hosts/$target/power"
			echo "power:$power"
			;;
		boot) echo "boot:none" ;;
		esac
	done
	;;
set)
	echo "$(date +%s.%N) $HOST $target $mode $*" >>"$DIR/log/chassis.log"
	case "$mode $1 $2" in
	"ignore-off power 0") exit 0 ;;
	"ignore-on power 1") exit 0 ;;
	esac
	here=$(dirname "$0")
	if [ "$1 $2" = "power 0" ] && [ "$delay" != 0 ]; then
		# ipmi_sim waits for the end of output, so the late part must not hold its pipe
		(sleep "$delay" && exec /usr/bin/python3 "$here/machine.py" "$DIR" "$target" set "$@") \
			</dev/null >>"$DIR/log/chassis.log" 2>&1 &
		exit 0
	fi
	exec /usr/bin/python3 "$here/machine.py" "$DIR" "$target" set "$@" </dev/null >>"$DIR/log/chassis.log" 2>&1
	;;
esac
exit 0
