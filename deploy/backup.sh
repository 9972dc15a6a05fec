#!/bin/sh
# Back DATA_DIR up while workers run: deploy/backup.sh DATA_DIR FILE.tar
#
# No file of ours is written in place, so each one is whole in the copy; what counts is the order:
#   1. the batches, before the projects that they name
#   2. the states of the projects that are there now: an older state beside newer pieces goes on from it, a newer one beside
#      older pieces would miss some
#   3. all else of these projects
#   4. idempotency keys and tombstones: one that leads nowhere is mended, one that is missing would make a project twice
#   5. what videos are owed, and the ledger: it may have counted too much, never too little
#   6. moments of publication, and what each channel published: what is booked or written down too much keeps one video waiting
#      at most, what is missing lets two come at once
#   7. whom people were told of, and what webhooks were: an event on its way through the outbox is found twice or made anew, and
#      then told under the same id
#   8. the library of what was published
#   9. a marker for each project that had not ended at the start, or was written to since: the first worker takes away those of
#      projects that have ended.  Not for all: what ended long ago would be told once more
#  10. the numbers' history: nothing decides by it.  Without metrics/left/, which may be counted by now
# Left out: redis/ (hints; they are renewed), trash/, logs/, *.part, .reserve, board.key (made anew; who had signed in does it again),
# and tokens/: whoever has those publishes on your channels, so keep them elsewhere, or sign in again.  Uploads' addresses are in the
# copy: keep it private.
set -eu
data=$1
case $2 in /*) file=$2 ;; *) file=$PWD/$2 ;; esac
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# 1 is "a file went or grew while it was read": a lease, or the log of events, whose last line may be torn.
pack() { tar "$@" || [ $? -eq 1 ]; }

cd "$data"
: > "$work/start"
sleep 1  # times of files tick: what is written from here on is newer for sure
ls open > "$work/marked"
pack -cf "$file.part" --exclude='*.part' --exclude='.new-*' instance.json batches
find projects -mindepth 2 -maxdepth 2 -name project_state.json ! -path 'projects/.new-*' > "$work/states"
pack -rf "$file.part" -T "$work/states"
sed 's,/project_state.json$,,' "$work/states" | while read -r project; do [ ! -d "$project" ] || echo "$project"; done > "$work/projects"
pack -rf "$file.part" --exclude='*.part' -X "$work/states" -T "$work/projects"
pack -rf "$file.part" --exclude='*.part' keys gone
set -- ledger
for name in gone-batches owed paused agreed.json calendar history notices outbox/pending outbox/delivered outbox/given_up; do
	[ ! -e "$name" ] || set -- "$@" "$name"
done
pack -rf "$file.part" --exclude='*.part' "$@"
pack -rf "$file.part" --exclude='*.part' library
mkdir "$work/open"
find projects -mindepth 2 -maxdepth 2 -name project_state.json -newer "$work/start" | sed 's,/project_state.json$,,; s,.*/,,' >> "$work/marked"
sed 's,.*/,,' "$work/projects" | grep -Fxf "$work/marked" | while read -r id; do : > "$work/open/$id"; done
pack -rf "$file.part" -C "$work" open
[ ! -e metrics ] || pack -rf "$file.part" --exclude='*.part' --exclude='metrics/left' metrics
mv "$file.part" "$file"
