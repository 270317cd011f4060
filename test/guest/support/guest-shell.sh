# What runs as a test guest's init, behind a preamble that mounts /proc, /sys, /dev: it executes the lines that are typed at its
# console and says how each ended, so that one boot serves many questions.

# What the machine looks like from inside, as name=value lines.
facts() {
  echo "arch=$(uname -m)"
  echo "cpus=$(nproc)"
  cpu=0
  ran=
  while [ $cpu -lt "$(nproc)" ]; do
    ran="$ran$(taskset $((1 << cpu)) cut -d' ' -f39 /proc/self/stat)"
    cpu=$((cpu + 1))
  done
  echo "ran=$ran"
  echo "memory=$(awk '/^MemTotal/ { print $2 }' /proc/meminfo)"
  ram=0
  while read -r range _ what; do
    [ "$what" = "System RAM" ] && ram=$((ram + 0x${range#*-} - 0x${range%-*} + 1))
  done </proc/iomem
  echo "ram=$((ram / 1024))"
  echo "loader=$(cat /proc/sys/kernel/bootloader_type)"
  [ -d /sys/firmware/acpi ] && echo "acpi=yes" || echo "acpi=no"
  echo "interrupts=$(grep virtio /proc/interrupts | grep -oE 'PCI-MSI|IO-APIC|XT-PIC' | sort -u | tr '\n' ' ')"
  echo "root=$(awk '$2 == "/" { print $1, $3 }' /proc/mounts | tail -n 1)"
  echo "words=$(cat /proc/cmdline)"
}

# Random bytes from the entropy device, as hexadecimal digits.
entropy() { head -c "$1" /dev/hwrng | od -An -v -tx1 | tr -d ' \n'; }

stty -echo
echo "guest: ready"
while IFS= read -r line; do
  eval "$line" 2>&1
  echo "guest: status $?"
done
poweroff -f
