#ifndef COAUTH_SRC_VALUES_WATCHED_FILES_HPP
#define COAUTH_SRC_VALUES_WATCHED_FILES_HPP

#include "values/watched_file.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace coauth::detail
{

// Files and directories that belong together, each of which may be replaced while the program runs.
// A directory changes when an entry is added, removed or renamed. Immutable; may be used from any
// thread.
class watched_files
{
public:
    using versions = std::vector<watched_file::version>;

    // An empty path names no file.
    explicit watched_files(std::vector<std::string> paths)
    {
        for (auto& path : paths)
            if (!path.empty())
                files_.emplace_back(std::move(path), watched_file::purpose());
    }

    [[nodiscard]] bool empty() const noexcept { return files_.empty(); }
    [[nodiscard]] versions on_disk() const
    {
        versions now;
        for (auto const& file : files_)
            now.push_back(file.current_version());
        return now;
    }
    // True if the files still have the contents of these versions. One system call for each.
    [[nodiscard]] bool are_current(versions const& known) const noexcept
    {
        return std::equal(
            files_.begin(), files_.end(), known.begin(), known.end(),
            [](auto const& file, auto const& version) { return file.is_current(version); });
    }

private:
    std::vector<watched_file> files_;
};

} // namespace coauth::detail

#endif
