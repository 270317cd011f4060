/* A static stand-in for ethtool: offloads DEVICE prints what is on; offloads DEVICE NAME 0|1 switches. */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static const struct {
  const char *name;
  __u32 get, set;
} offloads[] = {
  { "rx", ETHTOOL_GRXCSUM, ETHTOOL_SRXCSUM }, { "tx", ETHTOOL_GTXCSUM, ETHTOOL_STXCSUM },
  { "sg", ETHTOOL_GSG, ETHTOOL_SSG },         { "tso", ETHTOOL_GTSO, ETHTOOL_STSO },
  { "gso", ETHTOOL_GGSO, ETHTOOL_SGSO },      { "gro", ETHTOOL_GGRO, ETHTOOL_SGRO },
};

static int value(const char *device, __u32 command, __u32 *data) {
  struct ethtool_value value = { .cmd = command, .data = *data };
  struct ifreq request = { .ifr_data = (void *)&value };
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  strncpy(request.ifr_name, device, IFNAMSIZ - 1);
  int result = ioctl(fd, SIOCETHTOOL, &request);
  *data = value.data;
  return result;
}

/* Pairs of queues in use, and how many there could be. */
static int channels(const char *device, __u32 count) {
  struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
  struct ifreq request = { .ifr_data = (void *)&channels };
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  strncpy(request.ifr_name, device, IFNAMSIZ - 1);
  if (ioctl(fd, SIOCETHTOOL, &request) < 0) return 1;
  if (count > 0) {
    channels.cmd = ETHTOOL_SCHANNELS;
    channels.combined_count = count;
    if (ioctl(fd, SIOCETHTOOL, &request) < 0) return 1;
  }
  printf("channels=%u/%u\n", channels.combined_count, channels.max_combined);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 4 && !strcmp(argv[2], "channels")) return channels(argv[1], atoi(argv[3]));
  for (unsigned i = 0; i < sizeof offloads / sizeof *offloads; i++) {
    __u32 data = argc == 4 ? atoi(argv[3]) : 0;
    if (argc == 4 && strcmp(argv[2], offloads[i].name)) continue;
    if (value(argv[1], argc == 4 ? offloads[i].set : offloads[i].get, &data) < 0) return 1;
    if (argc < 4) printf("%s=%u\n", offloads[i].name, data);
  }
  return 0;
}
