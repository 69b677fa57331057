/* The physical limit of a save: read, hash, deflate and durably write some files, their trees and a commit.
 *
 * limit JOURNAL: reads from stdin one line a save, of paths and then =SIZE for each touched tree, separated by tabs,
 * and answers each with the milliseconds it took. Built by benchmarks/contenders.py: cc -O2 limit.c -lcrypto -lz
 */
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#define ROOM (64u << 20)
#define WRAP (8u << 20)
#define STORED_ABOVE (256u << 10)

static unsigned char *out, *content;
static size_t used;

static void put(const char *kind, const unsigned char *bytes, size_t size, unsigned char *oid) {
    char head[64];
    int length = snprintf(head, sizeof head, "%s %zu", kind, size) + 1;
    SHA_CTX hash;
    SHA1_Init(&hash);
    SHA1_Update(&hash, head, length);
    SHA1_Update(&hash, bytes, size);
    SHA1_Final(oid, &hash);
    memcpy(out + used, oid, 20);
    used += 20;
    uLongf room = ROOM - used;
    if (compress2(out + used, &room, bytes, size, size > STORED_ABOVE ? 0 : 1) != Z_OK) exit(1);
    used += room;
}

static void put_file(const char *path, unsigned char *oid) {
    int fd = open(path, O_RDONLY);
    ssize_t size = 0, got;
    if (fd < 0) exit(1);
    while ((got = read(fd, content + size, ROOM - size)) > 0) size += got;
    close(fd);
    put("blob", content, size, oid);
}

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1e3 + at.tv_nsec / 1e6;
}

int main(int count, char **arguments) {
    static char line[8 << 20];
    unsigned char oid[20], *tree = malloc(ROOM);
    size_t position = 0;
    int fd = count == 2 ? open(arguments[1], O_RDWR | O_CREAT, 0600) : -1;
    out = malloc(ROOM);
    content = malloc(ROOM);
    if (fd < 0 || !tree || !out || !content) return 2;
    memset(out, 1, ROOM);
    for (size_t at = 0; at < ROOM; at++) tree[at] = rand();
    if (pwrite(fd, out, ROOM, 0) != ROOM || fsync(fd)) return 1;
    while (fgets(line, sizeof line, stdin)) {
        double began = now();
        used = 0;
        line[strcspn(line, "\n")] = 0;
        for (char *word = strtok(line, "\t"); word; word = strtok(NULL, "\t")) {
            if (*word == '=') {
                size_t size = strtoul(word + 1, NULL, 10);
                memcpy(tree + size, oid, 20);
                put("tree", tree, size + 20, oid);
            } else {
                put_file(word, oid);
            }
        }
        put("commit", oid, 20, oid);
        if (pwrite(fd, out, used, position) != (ssize_t)used || fdatasync(fd)) return 1;
        position = (position + used) % WRAP;
        printf("%f\n", now() - began);
        fflush(stdout);
    }
    return 0;
}
