/* UDP with sequence numbers: what gets lost and what overtakes.
 *   flow send ADDRESS PORT SECONDS PACKETS-PER-SECOND
 *   flow take PORT SECONDS FLOWS  until so many have ended, or that long; prints a line for each source: address, received, missing, out of order */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* In place of a number: the flow has ended. Sent more than once, since one may get lost. */
static const unsigned END = ~0u;
enum { ENDINGS = 3, ENDING_US = 50000 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static struct sockaddr_in address(const char *ip, int port) {
  struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
  a.sin_addr.s_addr = inet_addr(ip);
  return a;
}

static int sender(const char *ip, int port, double seconds, double rate) {
  struct sockaddr_in to = address(ip, port);
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  unsigned char packet[200] = { 0 };
  double start = now(), end = start + seconds;
  for (unsigned n = 0; now() < end;) {
    memcpy(packet, &n, sizeof n);
    if (sendto(fd, packet, sizeof packet, 0, (void *)&to, sizeof to) == sizeof packet) n++;
    double wait = start + n / rate - now();
    if (wait > 0) usleep(wait * 1e6);
  }
  memcpy(packet, &END, sizeof END);
  for (int i = 0; i < ENDINGS; i++) {
    usleep(ENDING_US);
    sendto(fd, packet, sizeof packet, 0, (void *)&to, sizeof to);
  }
  return 0;
}

static int taker(int port, double seconds, unsigned expected) {
  struct { in_addr_t ip; unsigned count, next, first, late, ended; } flows[16];
  unsigned known = 0, ended = 0;
  struct sockaddr_in from, here = address("0.0.0.0", port);
  struct timeval patience = { .tv_usec = 200000 };
  int fd = socket(AF_INET, SOCK_DGRAM, 0), room = 4 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  if (bind(fd, (void *)&here, sizeof here)) return 1;
  for (double end = now() + seconds; now() < end;) {
    /* What comes behind an end is late, so it is waited for a little. */
    if (ended == expected && end > now() + 1) end = now() + 1;
    unsigned char packet[2000];
    socklen_t size = sizeof from;
    unsigned n, i;
    if (recvfrom(fd, packet, sizeof packet, 0, (void *)&from, &size) < (int)sizeof n) continue;
    memcpy(&n, packet, sizeof n);
    for (i = 0; i < known && flows[i].ip != from.sin_addr.s_addr;) i++;
    if (i == known) {
      if (known == 16) continue;
      memset(&flows[known++], 0, sizeof *flows);
      flows[i].ip = from.sin_addr.s_addr;
      flows[i].first = flows[i].next = n;
    }
    if (n == END) {
      ended += !flows[i].ended;
      flows[i].ended = 1;
      continue;
    }
    flows[i].count++;
    if (n < flows[i].next || flows[i].ended) flows[i].late++;
    else flows[i].next = n + 1;
  }
  for (unsigned i = 0; i < known; i++) {
    struct in_addr ip = { flows[i].ip };
    unsigned missing = flows[i].next - flows[i].first - flows[i].count;
    printf("%s %u %u %u\n", inet_ntoa(ip), flows[i].count, missing, flows[i].late);
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 6 && !strcmp(argv[1], "send")) return sender(argv[2], atoi(argv[3]), atof(argv[4]), atof(argv[5]));
  if (argc == 5 && !strcmp(argv[1], "take")) return taker(atoi(argv[2]), atof(argv[3]), atoi(argv[4]));
  return 2;
}
