#ifndef COAUTH_TEST_SUPPORT_SCRATCH_FILE_HPP
#define COAUTH_TEST_SUPPORT_SCRATCH_FILE_HPP

#include <cstdio>
#include <fstream>
#include <string>
#include <unistd.h>

namespace test
{

// A file that is removed at the end of the test.
class scratch_file
{
public:
    // The name distinguishes it from other files of the same test.
    explicit scratch_file(std::string const& name, std::string const& text = {})
        : path_(name + "." + std::to_string(::getpid()) + ".pem")
    {
        write(text);
    }
    ~scratch_file() { ::unlink(path_.c_str()); }
    scratch_file(scratch_file const&) = delete;
    scratch_file& operator=(scratch_file const&) = delete;

    // Replaces the file atomically.
    void write(std::string const& text) const
    {
        auto const new_path = path_ + ".new";
        std::ofstream(new_path) << text;
        (void)std::rename(new_path.c_str(), path_.c_str());
    }
    [[nodiscard]] std::string const& path() const { return path_; }

private:
    std::string path_;
};

} // namespace test

#endif
