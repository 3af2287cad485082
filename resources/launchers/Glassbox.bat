@echo off
rem Double-click in the Windows Explorer; opens a console that shows the set-up and any error.
setlocal
set "PYTHON=py -3"
where py >nul 2>nul || set "PYTHON=python"
%PYTHON% "%~dp0..\..\gui" --from-launcher %*
if errorlevel 1 pause
