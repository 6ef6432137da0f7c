#ifndef COAUTH_TEST_UNIT_TEMPORARY_FILE_HPP
#define COAUTH_TEST_UNIT_TEMPORARY_FILE_HPP

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <unistd.h>

namespace test
{

// A file that is removed at the end of the test. It does not exist until it is written.
class temporary_file
{
public:
    temporary_file()
        : path(
              std::filesystem::temp_directory_path() /
              ("coauth-" + std::to_string(getpid()) + '-' + std::to_string(++made_)))
    {
    }
    explicit temporary_file(std::string_view text) : temporary_file() { write(text); }
    temporary_file(temporary_file const&) = delete;
    temporary_file& operator=(temporary_file const&) = delete;
    ~temporary_file() { remove(); }

    void write(std::string_view text) const { std::ofstream(path, std::ios::binary) << text; }
    // Replaces it by another file of the same name.
    void replace(std::string_view text) const
    {
        temporary_file const other(text);
        std::filesystem::rename(other.path, path);
    }
    // Writes it with the same modification time as before.
    void write_at_once(std::string_view text) const
    {
        auto const when = std::filesystem::last_write_time(path);
        write(text);
        std::filesystem::last_write_time(path, when);
    }
    // Sets the modification time to an hour ago.
    void age() const
    {
        std::filesystem::last_write_time(
            path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
    }
    void remove() const { std::filesystem::remove(path); }

    std::filesystem::path const path;

private:
    static inline int made_ = 0;
};

} // namespace test

#endif
