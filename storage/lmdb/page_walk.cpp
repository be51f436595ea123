#include "storage/lmdb/page_walk.hpp"

#include "storage/kv.hpp"
#include "storage/lmdb/failure.hpp"
#include "storage/lmdb/page_view.hpp"
#include "storage/lmdb/posix_file.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace syncline::storage::lmdb {

namespace {

/// LMDB's own cursors are not deeper.
constexpr std::size_t depth_max = 32;
constexpr std::uint16_t flag_integer_keys = 0x08;
constexpr std::uint16_t flag_no_subdirectory = 0x4000;

enum class tree_kind { free_pages, tables, table };

/// The trees found in the list of tables.
using named_trees = std::vector<std::pair<std::string, tree_record>>;

std::uint64_t to_integer(std::string_view eight_bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, eight_bytes.data(), sizeof value);
  return value;
}

/// One walk over one state. Throws `kv_error` at the first thing that cannot be.
class page_walker {
public:
  page_walker(int file, const data_file& data, const meta_record& state,
              const std::filesystem::path& path)
    : file_{file}, data_{data}, state_{state}, path_{path},
      seen_(state.last_page + 1, false), overflow_{data.page_bytes, path} {}

  walk_report walk_all() {
    walk(state_.free_pages, tree_kind::free_pages);
    walk(state_.tables, tree_kind::tables);
    for (const auto& [name, tree] : tables_) {
      named_ = name;
      walk(tree, tree_kind::table);
    }
    check_last_freed();
    report_.tables = tables_.size();
    return report_;
  }

  std::uint64_t walk_roots() {
    walk(state_.tables, tree_kind::tables);
    for (const auto& [name, tree] : tables_)
      if (tree.root != no_page && load(tree.root, page_at(1)).nodes() == 0)
        page_at(1).refuse("is the root of a table and has no nodes");
    return tables_.size();
  }

  /// The newest transaction in the free list: the highest key, at the right edge of the tree.
  std::uint64_t last_freeing_transaction() {
    std::uint64_t number = state_.free_pages.root;
    if (number == no_page)
      return 0;
    for (std::size_t level = 0; level < depth_max; ++level) {
      page_view& page = load(number, page_at(0));
      const std::size_t nodes = page.nodes();
      if (nodes == 0)
        page.refuse("has no nodes");
      const page_node last = page.node(nodes - 1);
      if (page.flags() == page_is_branch) {
        number = last.child;
        continue;
      }
      if (page.flags() != page_is_leaf || last.key.size() != sizeof(std::uint64_t))
        page.refuse("is no leaf of the free list");
      return to_integer(last.key);
    }
    refuse("the free list is too deep");
  }

  /// Each transaction that changes anything frees the old root of the list of tables, and notes
  /// that under its own number. The first one has nothing to free.
  std::uint64_t check_last_freed() {
    const std::uint64_t last = last_freeing_transaction();
    if (state_.transaction > 1 ? last != state_.transaction : last > state_.transaction)
      refuse("a meta page bears transaction " + std::to_string(state_.transaction) +
             ", its free list says " + std::to_string(last));
    return last;
  }

private:
  struct counts {
    std::uint64_t branch = 0;
    std::uint64_t leaf = 0;
    std::uint64_t overflow = 0;
    std::uint64_t entries = 0;
  };

  [[noreturn]] void refuse(const std::string& what) const {
    const core::error found = damage(path_, what);
    throw kv_error{found.code, found.message};
  }

  page_view& page_at(std::size_t level) {
    while (levels_.size() <= level)
      levels_.emplace_back(data_.page_bytes, path_);
    return levels_[level];
  }

  page_view& load(std::uint64_t number, page_view& into) {
    if (number < 2 || number > state_.last_page)
      refuse("page " + std::to_string(number) + " is named, but was never allocated");
    if (auto read = read_at(file_, into.buffer(), into.size(), number * data_.page_bytes, path_);
        !read)
      throw kv_error{read.error().code, read.error().message};
    into.check_header(number);
    return into;
  }

  // Used twice, or used and free at once, are the same damage: one page, two owners.
  void mark(std::uint64_t number) {
    if (number < 2 || number > state_.last_page)
      refuse("page " + std::to_string(number) + " is named, but was never allocated");
    if (seen_[number])
      refuse("page " + std::to_string(number) + " belongs to two places");
    seen_[number] = true;
  }

  void walk(const tree_record& tree, tree_kind kind) {
    const std::uint16_t flags = kind == tree_kind::free_pages ? flag_integer_keys : 0;
    if ((tree.flags & ~flag_no_subdirectory) != flags || tree.depth > depth_max)
      refuse(title(kind) + " has impossible flags or depth");
    found_ = {};
    previous_key_.reset();
    if (tree.root != no_page)
      visit(tree.root, 1, tree, kind);
    if (found_.branch != tree.branch_pages || found_.leaf != tree.leaf_pages ||
        found_.overflow != tree.overflow_pages || found_.entries != tree.entries ||
        (tree.root == no_page) != (tree.depth == 0))
      refuse(title(kind) + " does not have the pages and entries that it counts");
    report_.pages_used += found_.branch + found_.leaf + found_.overflow;
  }

  [[nodiscard]] std::string title(tree_kind kind) const {
    if (kind == tree_kind::table)
      return "table " + named_;
    return kind == tree_kind::tables ? "the list of tables" : "the free list";
  }

  void visit(std::uint64_t number, std::size_t level, const tree_record& tree, tree_kind kind) {
    if (level > tree.depth)
      refuse(title(kind) + " is deeper than it says");
    mark(number);
    page_view& page = load(number, page_at(level));
    const std::size_t nodes = page.nodes();
    const bool leaf = level == tree.depth;
    if (page.flags() != (leaf ? page_is_leaf : page_is_branch))
      page.refuse("is of another kind than its place in " + title(kind) + " says");
    // LMDB aborts on a branch with one child; the free list alone may have one.
    if (nodes < (leaf || kind == tree_kind::free_pages ? 1U : 2U))
      page.refuse("has too few nodes");
    ++(leaf ? found_.leaf : found_.branch);
    for (std::size_t index = 0; index < nodes; ++index) {
      if (leaf) {
        visit_entry(page, index, kind);
      } else {
        // The buffer of this level stays as it is while the levels below are visited.
        visit(page.node(index).child, level + 1, tree, kind);
      }
    }
  }

  void visit_entry(const page_view& page, std::size_t index, tree_kind kind) {
    const page_node node = page.node(index);
    check_key(page, node.key, kind);
    ++found_.entries;
    if ((node.flags & ~(node_is_overflow | node_is_table)) != 0 ||
        (node.flags == node_is_table) != (kind == tree_kind::tables))
      page.refuse("has an entry of an unknown kind");
    std::uint64_t run = 0;
    if (node.flags == node_is_overflow) {
      if (node.inlined.size() < sizeof(std::uint64_t))
        page.refuse("has a value that runs out of it");
      run = to_integer(node.inlined);
      visit_overflow(run, node.bytes);
    } else if (node.bytes > node.inlined.size()) {
      page.refuse("has a value that runs out of it");
    }
    if (kind == tree_kind::tables)
      note_table(page, node);
    else if (kind == tree_kind::free_pages)
      note_free_pages(page, node, run);
  }

  // Keys ascend over the whole tree, not only within a page.
  void check_key(const page_view& page, std::string_view key, tree_kind kind) {
    const bool numbers = kind == tree_kind::free_pages;
    if (numbers ? key.size() != sizeof(std::uint64_t) : key.empty() || key.size() > 511)
      page.refuse("has a key of an impossible size");
    if (previous_key_ && (numbers ? to_integer(*previous_key_) >= to_integer(key)
                                  : std::string_view{*previous_key_} >= key))
      page.refuse("has keys out of order");
    previous_key_ = key;
  }

  void visit_overflow(std::uint64_t first, std::uint64_t value_bytes) {
    load(first, overflow_);
    // An overwritten value may keep a longer run than it needs.
    const std::uint64_t run = overflow_.run_pages();
    const std::uint64_t needed =
      (page_header_bytes + value_bytes + data_.page_bytes - 1) / data_.page_bytes;
    if (overflow_.flags() != page_is_overflow || run < needed || run > state_.last_page + 1 - first)
      overflow_.refuse("does not begin the value that is said to be there");
    if (first * data_.page_bytes + page_header_bytes + value_bytes > data_.bytes)
      overflow_.refuse("begins a value that ends behind the end of the file");
    for (std::uint64_t number = first; number < first + run; ++number)
      mark(number);
    found_.overflow += run;
  }

  void note_table(const page_view& page, const page_node& node) {
    if (node.bytes != sizeof(tree_record))
      page.refuse("has a table record of a wrong size");
    tree_record tree{};
    std::memcpy(&tree, node.inlined.data(), sizeof tree);
    tables_.emplace_back(std::string{node.key}, tree);
  }

  // A record of the free list: how many page numbers, then those. Its room may be larger.
  void note_free_pages(const page_view& page, const page_node& node, std::uint64_t run) {
    std::string value;
    if (node.flags == node_is_overflow) {
      value.resize(node.bytes);
      if (auto read = read_at(file_, value.data(), value.size(),
                              run * data_.page_bytes + page_header_bytes, path_);
          !read)
        throw kv_error{read.error().code, read.error().message};
    } else {
      value = node.inlined.substr(0, node.bytes);
    }
    constexpr std::size_t width = sizeof(std::uint64_t);
    const std::uint64_t slots = value.size() / width;
    const std::uint64_t pages = slots == 0 ? 0 : to_integer(value);
    if (slots == 0 || pages > slots - 1)
      page.refuse("has a broken record of free pages");
    for (std::size_t index = 1; index <= pages; ++index)
      mark(to_integer(std::string_view{value}.substr(index * width)));
    report_.pages_free += pages;
  }

  int file_;
  const data_file& data_;
  const meta_record& state_;
  const std::filesystem::path& path_;
  std::vector<bool> seen_;
  std::deque<page_view> levels_; ///< by depth; a deque, because references into it are kept
  page_view overflow_;
  std::optional<std::string> previous_key_;
  counts found_;
  std::string named_;
  named_trees tables_;
  walk_report report_;
};

// The bitmap of pages is as large as a meta page says; a wrong one may not cost the memory of the
// machine. Pages can be allocated without being written, but never that many.
core::expected<void> check_last_page(const data_file& data, const meta_record& state,
                                     const std::filesystem::path& path) {
  constexpr std::uint64_t unwritten_max = std::uint64_t{1} << 24;
  if (state.last_page > data.bytes / data.page_bytes + unwritten_max)
    return damage(path, "a meta page names a last page far behind the end of the file");
  return {};
}

// Runs one walk and turns what it throws into a value.
template <class Walk>
auto walk_with(int file, const data_file& data, const meta_record& state,
               const std::filesystem::path& path, Walk&& walk)
  -> core::expected<decltype(walk(std::declval<page_walker&>()))> {
  if (auto checked = check_last_page(data, state, path); !checked)
    return checked.error();
  try {
    page_walker walker{file, data, state, path};
    return walk(walker);
  } catch (const kv_error& thrown) {
    return as_error(thrown);
  }
}

} // namespace

core::expected<walk_report> walk_pages(int file, const data_file& data, const meta_record& state,
                                       const std::filesystem::path& path) {
  return walk_with(file, data, state, path, [](page_walker& walker) { return walker.walk_all(); });
}

core::expected<std::uint64_t> check_roots(int file, const data_file& data,
                                          const std::filesystem::path& path) {
  return walk_with(file, data, data.newest(), path,
                   [](page_walker& walker) { return walker.walk_roots(); });
}

core::expected<void> check_transactions(int file, const data_file& data,
                                        const std::filesystem::path& path) {
  const std::uint64_t newer = data.newest().transaction;
  const std::uint64_t older = data.older().transaction;
  // Each commit overwrites the older of the two pages, and its number decides which that is.
  const bool fresh = newer == 0 && older == 0;
  const bool in_place = data.metas[0].transaction % 2 == 0 && data.metas[1].transaction % 2 == 1;
  if (!fresh && (newer - older != 1 || !in_place))
    return damage(path, "its meta pages bear transactions " +
                          std::to_string(data.metas[0].transaction) + " and " +
                          std::to_string(data.metas[1].transaction) +
                          ", which do not follow each other");
  for (const meta_record& state : data.metas) {
    auto checked = walk_with(file, data, state, path,
                             [](page_walker& walker) { return walker.check_last_freed(); });
    if (!checked)
      return checked.error();
  }
  return {};
}

} // namespace syncline::storage::lmdb
