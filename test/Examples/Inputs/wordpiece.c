/* usage: wordpiece VOCABULARY     prints the ids of each line of the standard input */
#define _POSIX_C_SOURCE 200809L
#include "wordpiece.h"
#include <stdio.h>
#include <stdlib.h>

enum { limit = 1000 };

int main(int argc, char **argv) {
  char message[256], *line = NULL;
  size_t room = 0;
  ssize_t size;
  wordpiece *pieces = wordpiece_open(argc > 1 ? argv[1] : "", message, sizeof message);
  if (!pieces) {
    puts(message);
    return 1;
  }
  while ((size = getline(&line, &room, stdin)) > 0) {
    int32_t ids[limit];
    line[size - 1] = 0;
    const int32_t count = wordpiece_ids(pieces, line, ids, limit);
    for (int32_t i = 0; i < count; ++i)
      printf("%d ", (int)ids[i]);
    puts("");
  }
  free(line);
  wordpiece_close(pieces);
  return 0;
}
