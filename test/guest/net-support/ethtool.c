/* A static stand-in for ethtool: ethtool DEVICE prints what is on; ethtool DEVICE NAME 0|1 switches. */
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

static int ask(const char *device, void *data) {
  struct ifreq request = { .ifr_data = data };
  strncpy(request.ifr_name, device, IFNAMSIZ - 1);
  return ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCETHTOOL, &request);
}

/* A feature that has no command of its own, by its name; -1: read it. Says what it is then. */
static int feature(const char *device, const char *name, int on) {
  enum { MOST = 256 };
  static struct { struct ethtool_gstrings head; char names[MOST * ETH_GSTRING_LEN]; } strings;
  static struct { struct ethtool_gfeatures head; struct ethtool_get_features_block blocks[MOST / 32]; } now;
  static struct { struct ethtool_sfeatures head; struct ethtool_set_features_block blocks[MOST / 32]; } set;
  strings.head = (struct ethtool_gstrings){ .cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_FEATURES };
  if (ask(device, &strings) < 0) return 1;
  unsigned bit = 0, blocks = (strings.head.len + 31) / 32;
  while (bit < strings.head.len && strcmp(strings.names + bit * ETH_GSTRING_LEN, name)) bit++;
  if (bit == strings.head.len) return 1;
  if (on >= 0) {
    set.head = (struct ethtool_sfeatures){ .cmd = ETHTOOL_SFEATURES, .size = blocks };
    set.blocks[bit / 32].valid = 1u << bit % 32;
    set.blocks[bit / 32].requested = on ? 1u << bit % 32 : 0;
    if (ask(device, &set) != 0) return 1;
  }
  now.head = (struct ethtool_gfeatures){ .cmd = ETHTOOL_GFEATURES, .size = blocks };
  if (ask(device, &now) < 0) return 1;
  printf("%s=%u\n", name, now.blocks[bit / 32].active >> bit % 32 & 1);
  return 0;
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
  if (argc >= 3 && strchr(argv[2], '-')) return feature(argv[1], argv[2], argc == 4 ? atoi(argv[3]) : -1);
  for (unsigned i = 0; i < sizeof offloads / sizeof *offloads; i++) {
    __u32 data = argc == 4 ? atoi(argv[3]) : 0;
    if (argc == 4 && strcmp(argv[2], offloads[i].name)) continue;
    if (value(argv[1], argc == 4 ? offloads[i].set : offloads[i].get, &data) < 0) return 1;
    if (argc < 4) printf("%s=%u\n", offloads[i].name, data);
  }
  return 0;
}
